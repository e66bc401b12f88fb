//! `postern-cluster`: the embedded cluster. Everything happens in the library; see `postern::cluster::cli`.

fn main() -> std::process::ExitCode {
    postern::cluster::cli::main()
}
