//! `postern`: the client. Everything happens in the library; see `postern::cli`.

fn main() -> std::process::ExitCode {
    postern::cli::main()
}
