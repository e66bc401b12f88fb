# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_postern_global_optspecs
    string join \n proxy= user= c/cluster= i/identity= auth= mfa-mode= ttl= insecure skip-version-check d/debug f/format= non-interactive headless l/login= k/add-keys-to-agent= use-local-ssh-agent enable-escape-sequences J/jumphost= cert-format= compat= mlock= os-log piv-slot= relay= trace trace-exporter= trace-profile= cpu-profile= mem-profile= nocache h/help V/version
end

function __fish_postern_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_postern_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_postern_using_subcommand
    set -l cmd (__fish_postern_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c postern -n "__fish_postern_needs_command" -l proxy -d 'Proxy of the cluster. Default: $POSTERN_PROXY, $TELEPORT_PROXY, else that of the last login' -r
complete -c postern -n "__fish_postern_needs_command" -l user -d 'Teleport user. Default: $POSTERN_USER, $TELEPORT_USER, else as at the last login' -r
complete -c postern -n "__fish_postern_needs_command" -s c -l cluster -d 'The cluster that owns the databases: a leaf of the one you are logged in to. Default: $POSTERN_CLUSTER, $TELEPORT_CLUSTER' -r
complete -c postern -n "__fish_postern_needs_command" -s i -l identity -d 'Identity file to use instead of a login. Default: $POSTERN_IDENTITY_FILE, $TELEPORT_IDENTITY_FILE' -r -F
complete -c postern -n "__fish_postern_needs_command" -l auth -d 'How to log in: "local", or the name of a connector. Default: $POSTERN_AUTH, $TELEPORT_AUTH, else the cluster\'s own' -r
complete -c postern -n "__fish_postern_needs_command" -l mfa-mode -d 'Which second factor to use; this program can do one-time codes' -r -f -a "auto\t'Whatever the cluster offers and this program can do'
otp\t'One-time codes'"
complete -c postern -n "__fish_postern_needs_command" -l ttl -d 'How long a login shall hold: 8h, 90m, 1h30m; a bare number is minutes. The cluster may shorten it' -r
complete -c postern -n "__fish_postern_needs_command" -s f -l format -d 'How to print results; with json and yaml, errors are one JSON object on stderr' -r -f -a "text\t'For people'
json\t'For programs; errors are then one JSON object on stderr'
yaml\t'The same as YAML; errors are JSON, which is YAML too'
names\t'Only the names, one a line ("db ls")'
cmd\t'The command to run, for a shell ("db config")'"
complete -c postern -n "__fish_postern_needs_command" -s l -l login -r
complete -c postern -n "__fish_postern_needs_command" -s k -l add-keys-to-agent -r
complete -c postern -n "__fish_postern_needs_command" -s J -l jumphost -r
complete -c postern -n "__fish_postern_needs_command" -l cert-format -r
complete -c postern -n "__fish_postern_needs_command" -l compat -r
complete -c postern -n "__fish_postern_needs_command" -l mlock -r
complete -c postern -n "__fish_postern_needs_command" -l piv-slot -r
complete -c postern -n "__fish_postern_needs_command" -l relay -r
complete -c postern -n "__fish_postern_needs_command" -l trace-exporter -r
complete -c postern -n "__fish_postern_needs_command" -l trace-profile -r
complete -c postern -n "__fish_postern_needs_command" -l cpu-profile -r
complete -c postern -n "__fish_postern_needs_command" -l mem-profile -r
complete -c postern -n "__fish_postern_needs_command" -l insecure -d 'Do not verify the proxy\'s certificate; for tests only'
complete -c postern -n "__fish_postern_needs_command" -l skip-version-check -d 'Do not warn of a cluster whose version may not fit'
complete -c postern -n "__fish_postern_needs_command" -s d -l debug -d 'Say on stderr which settings hold and where they come from, and where something failed'
complete -c postern -n "__fish_postern_needs_command" -l non-interactive -d 'Never prompt and never open a browser (implied without a terminal)'
complete -c postern -n "__fish_postern_needs_command" -l headless -d 'Log in by another device, as tsh can for ssh'
complete -c postern -n "__fish_postern_needs_command" -l use-local-ssh-agent
complete -c postern -n "__fish_postern_needs_command" -l enable-escape-sequences
complete -c postern -n "__fish_postern_needs_command" -l os-log
complete -c postern -n "__fish_postern_needs_command" -l trace
complete -c postern -n "__fish_postern_needs_command" -l nocache
complete -c postern -n "__fish_postern_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postern -n "__fish_postern_needs_command" -s V -l version -d 'Print version'
complete -c postern -n "__fish_postern_needs_command" -f -a "login" -d 'Log in to a cluster'
complete -c postern -n "__fish_postern_needs_command" -f -a "logout" -d 'Log out: remove certificates and keys from this computer'
complete -c postern -n "__fish_postern_needs_command" -f -a "status" -d 'Show who is logged in where, and until when'
complete -c postern -n "__fish_postern_needs_command" -f -a "clusters" -d 'List the cluster and the leaf clusters behind it'
complete -c postern -n "__fish_postern_needs_command" -f -a "db" -d 'List databases and connect to them'
complete -c postern -n "__fish_postern_needs_command" -f -a "proxy" -d 'Open a tunnel: "proxy db" is "db proxy", as in tsh'
complete -c postern -n "__fish_postern_needs_command" -f -a "env" -d 'Print variables that name the proxy and the cluster: eval "$(postern env)"'
complete -c postern -n "__fish_postern_needs_command" -f -a "version" -d 'Show the version of this program'
complete -c postern -n "__fish_postern_needs_command" -f -a "util" -d 'Generate completions and manual pages'
complete -c postern -n "__fish_postern_using_subcommand login" -l ca-file -d 'Trust the authorities in this PEM file for the proxy\'s certificate, or that very certificate; remembered' -r -F
complete -c postern -n "__fish_postern_using_subcommand login" -l key-store -d 'Where the private key goes. Default: the keychain if other sessions of this user can read it there, else a file' -r -f -a "file\t'A file that only this user can read'
keychain\t'The keychain of the operating system'"
complete -c postern -n "__fish_postern_using_subcommand login" -l browser -d 'For single sign-on: "none" to open no browser, or the command that opens one ("%s" in it is the address, else it comes last)' -r
complete -c postern -n "__fish_postern_using_subcommand login" -l bind-addr -d 'For single sign-on: where this computer waits for the browser. Default: a free port of 127.0.0.1' -r
complete -c postern -n "__fish_postern_using_subcommand login" -l callback -d 'For single sign-on: the address by which the browser reaches --bind-addr, when it is another one' -r
complete -c postern -n "__fish_postern_using_subcommand login" -s o -l out -r
complete -c postern -n "__fish_postern_using_subcommand login" -l request-roles -r
complete -c postern -n "__fish_postern_using_subcommand login" -l request-reason -r
complete -c postern -n "__fish_postern_using_subcommand login" -l request-reviewers -r
complete -c postern -n "__fish_postern_using_subcommand login" -l request-id -r
complete -c postern -n "__fish_postern_using_subcommand login" -l kube-cluster -r
complete -c postern -n "__fish_postern_using_subcommand login" -l scope -r
complete -c postern -n "__fish_postern_using_subcommand login" -l proxy -d 'Proxy of the cluster. Default: $POSTERN_PROXY, $TELEPORT_PROXY, else that of the last login' -r
complete -c postern -n "__fish_postern_using_subcommand login" -l user -d 'Teleport user. Default: $POSTERN_USER, $TELEPORT_USER, else as at the last login' -r
complete -c postern -n "__fish_postern_using_subcommand login" -s c -l cluster -d 'The cluster that owns the databases: a leaf of the one you are logged in to. Default: $POSTERN_CLUSTER, $TELEPORT_CLUSTER' -r
complete -c postern -n "__fish_postern_using_subcommand login" -s i -l identity -d 'Identity file to use instead of a login. Default: $POSTERN_IDENTITY_FILE, $TELEPORT_IDENTITY_FILE' -r -F
complete -c postern -n "__fish_postern_using_subcommand login" -l auth -d 'How to log in: "local", or the name of a connector. Default: $POSTERN_AUTH, $TELEPORT_AUTH, else the cluster\'s own' -r
complete -c postern -n "__fish_postern_using_subcommand login" -l mfa-mode -d 'Which second factor to use; this program can do one-time codes' -r -f -a "auto\t'Whatever the cluster offers and this program can do'
otp\t'One-time codes'"
complete -c postern -n "__fish_postern_using_subcommand login" -l ttl -d 'How long a login shall hold: 8h, 90m, 1h30m; a bare number is minutes. The cluster may shorten it' -r
complete -c postern -n "__fish_postern_using_subcommand login" -s f -l format -d 'How to print results; with json and yaml, errors are one JSON object on stderr' -r -f -a "text\t'For people'
json\t'For programs; errors are then one JSON object on stderr'
yaml\t'The same as YAML; errors are JSON, which is YAML too'
names\t'Only the names, one a line ("db ls")'
cmd\t'The command to run, for a shell ("db config")'"
complete -c postern -n "__fish_postern_using_subcommand login" -s l -l login -r
complete -c postern -n "__fish_postern_using_subcommand login" -s k -l add-keys-to-agent -r
complete -c postern -n "__fish_postern_using_subcommand login" -s J -l jumphost -r
complete -c postern -n "__fish_postern_using_subcommand login" -l cert-format -r
complete -c postern -n "__fish_postern_using_subcommand login" -l compat -r
complete -c postern -n "__fish_postern_using_subcommand login" -l mlock -r
complete -c postern -n "__fish_postern_using_subcommand login" -l piv-slot -r
complete -c postern -n "__fish_postern_using_subcommand login" -l relay -r
complete -c postern -n "__fish_postern_using_subcommand login" -l trace-exporter -r
complete -c postern -n "__fish_postern_using_subcommand login" -l trace-profile -r
complete -c postern -n "__fish_postern_using_subcommand login" -l cpu-profile -r
complete -c postern -n "__fish_postern_using_subcommand login" -l mem-profile -r
complete -c postern -n "__fish_postern_using_subcommand login" -l force -d 'Log in again even though the login is still valid'
complete -c postern -n "__fish_postern_using_subcommand login" -l password-stdin -d 'Read the password from the first line of standard input, and the one-time code from the second'
complete -c postern -n "__fish_postern_using_subcommand login" -l from-tsh -d 'Take over the login that tsh has (TELEPORT_HOME, ~/.tsh) instead of logging in; tsh\'s files stay as they are'
complete -c postern -n "__fish_postern_using_subcommand login" -l save-tsh-profile -d 'Also write a profile for tsh (TELEPORT_HOME, ~/.tsh), so that tsh is logged in too; other profiles there stay'
complete -c postern -n "__fish_postern_using_subcommand login" -l overwrite
complete -c postern -n "__fish_postern_using_subcommand login" -l request-nowait
complete -c postern -n "__fish_postern_using_subcommand login" -s v -l verbose
complete -c postern -n "__fish_postern_using_subcommand login" -l insecure -d 'Do not verify the proxy\'s certificate; for tests only'
complete -c postern -n "__fish_postern_using_subcommand login" -l skip-version-check -d 'Do not warn of a cluster whose version may not fit'
complete -c postern -n "__fish_postern_using_subcommand login" -s d -l debug -d 'Say on stderr which settings hold and where they come from, and where something failed'
complete -c postern -n "__fish_postern_using_subcommand login" -l non-interactive -d 'Never prompt and never open a browser (implied without a terminal)'
complete -c postern -n "__fish_postern_using_subcommand login" -l headless -d 'Log in by another device, as tsh can for ssh'
complete -c postern -n "__fish_postern_using_subcommand login" -l use-local-ssh-agent
complete -c postern -n "__fish_postern_using_subcommand login" -l enable-escape-sequences
complete -c postern -n "__fish_postern_using_subcommand login" -l os-log
complete -c postern -n "__fish_postern_using_subcommand login" -l trace
complete -c postern -n "__fish_postern_using_subcommand login" -l nocache
complete -c postern -n "__fish_postern_using_subcommand login" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postern -n "__fish_postern_using_subcommand logout" -l proxy -d 'Proxy of the cluster. Default: $POSTERN_PROXY, $TELEPORT_PROXY, else that of the last login' -r
complete -c postern -n "__fish_postern_using_subcommand logout" -l user -d 'Teleport user. Default: $POSTERN_USER, $TELEPORT_USER, else as at the last login' -r
complete -c postern -n "__fish_postern_using_subcommand logout" -s c -l cluster -d 'The cluster that owns the databases: a leaf of the one you are logged in to. Default: $POSTERN_CLUSTER, $TELEPORT_CLUSTER' -r
complete -c postern -n "__fish_postern_using_subcommand logout" -s i -l identity -d 'Identity file to use instead of a login. Default: $POSTERN_IDENTITY_FILE, $TELEPORT_IDENTITY_FILE' -r -F
complete -c postern -n "__fish_postern_using_subcommand logout" -l auth -d 'How to log in: "local", or the name of a connector. Default: $POSTERN_AUTH, $TELEPORT_AUTH, else the cluster\'s own' -r
complete -c postern -n "__fish_postern_using_subcommand logout" -l mfa-mode -d 'Which second factor to use; this program can do one-time codes' -r -f -a "auto\t'Whatever the cluster offers and this program can do'
otp\t'One-time codes'"
complete -c postern -n "__fish_postern_using_subcommand logout" -l ttl -d 'How long a login shall hold: 8h, 90m, 1h30m; a bare number is minutes. The cluster may shorten it' -r
complete -c postern -n "__fish_postern_using_subcommand logout" -s f -l format -d 'How to print results; with json and yaml, errors are one JSON object on stderr' -r -f -a "text\t'For people'
json\t'For programs; errors are then one JSON object on stderr'
yaml\t'The same as YAML; errors are JSON, which is YAML too'
names\t'Only the names, one a line ("db ls")'
cmd\t'The command to run, for a shell ("db config")'"
complete -c postern -n "__fish_postern_using_subcommand logout" -s l -l login -r
complete -c postern -n "__fish_postern_using_subcommand logout" -s k -l add-keys-to-agent -r
complete -c postern -n "__fish_postern_using_subcommand logout" -s J -l jumphost -r
complete -c postern -n "__fish_postern_using_subcommand logout" -l cert-format -r
complete -c postern -n "__fish_postern_using_subcommand logout" -l compat -r
complete -c postern -n "__fish_postern_using_subcommand logout" -l mlock -r
complete -c postern -n "__fish_postern_using_subcommand logout" -l piv-slot -r
complete -c postern -n "__fish_postern_using_subcommand logout" -l relay -r
complete -c postern -n "__fish_postern_using_subcommand logout" -l trace-exporter -r
complete -c postern -n "__fish_postern_using_subcommand logout" -l trace-profile -r
complete -c postern -n "__fish_postern_using_subcommand logout" -l cpu-profile -r
complete -c postern -n "__fish_postern_using_subcommand logout" -l mem-profile -r
complete -c postern -n "__fish_postern_using_subcommand logout" -l insecure -d 'Do not verify the proxy\'s certificate; for tests only'
complete -c postern -n "__fish_postern_using_subcommand logout" -l skip-version-check -d 'Do not warn of a cluster whose version may not fit'
complete -c postern -n "__fish_postern_using_subcommand logout" -s d -l debug -d 'Say on stderr which settings hold and where they come from, and where something failed'
complete -c postern -n "__fish_postern_using_subcommand logout" -l non-interactive -d 'Never prompt and never open a browser (implied without a terminal)'
complete -c postern -n "__fish_postern_using_subcommand logout" -l headless -d 'Log in by another device, as tsh can for ssh'
complete -c postern -n "__fish_postern_using_subcommand logout" -l use-local-ssh-agent
complete -c postern -n "__fish_postern_using_subcommand logout" -l enable-escape-sequences
complete -c postern -n "__fish_postern_using_subcommand logout" -l os-log
complete -c postern -n "__fish_postern_using_subcommand logout" -l trace
complete -c postern -n "__fish_postern_using_subcommand logout" -l nocache
complete -c postern -n "__fish_postern_using_subcommand logout" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postern -n "__fish_postern_using_subcommand status" -l proxy -d 'Proxy of the cluster. Default: $POSTERN_PROXY, $TELEPORT_PROXY, else that of the last login' -r
complete -c postern -n "__fish_postern_using_subcommand status" -l user -d 'Teleport user. Default: $POSTERN_USER, $TELEPORT_USER, else as at the last login' -r
complete -c postern -n "__fish_postern_using_subcommand status" -s c -l cluster -d 'The cluster that owns the databases: a leaf of the one you are logged in to. Default: $POSTERN_CLUSTER, $TELEPORT_CLUSTER' -r
complete -c postern -n "__fish_postern_using_subcommand status" -s i -l identity -d 'Identity file to use instead of a login. Default: $POSTERN_IDENTITY_FILE, $TELEPORT_IDENTITY_FILE' -r -F
complete -c postern -n "__fish_postern_using_subcommand status" -l auth -d 'How to log in: "local", or the name of a connector. Default: $POSTERN_AUTH, $TELEPORT_AUTH, else the cluster\'s own' -r
complete -c postern -n "__fish_postern_using_subcommand status" -l mfa-mode -d 'Which second factor to use; this program can do one-time codes' -r -f -a "auto\t'Whatever the cluster offers and this program can do'
otp\t'One-time codes'"
complete -c postern -n "__fish_postern_using_subcommand status" -l ttl -d 'How long a login shall hold: 8h, 90m, 1h30m; a bare number is minutes. The cluster may shorten it' -r
complete -c postern -n "__fish_postern_using_subcommand status" -s f -l format -d 'How to print results; with json and yaml, errors are one JSON object on stderr' -r -f -a "text\t'For people'
json\t'For programs; errors are then one JSON object on stderr'
yaml\t'The same as YAML; errors are JSON, which is YAML too'
names\t'Only the names, one a line ("db ls")'
cmd\t'The command to run, for a shell ("db config")'"
complete -c postern -n "__fish_postern_using_subcommand status" -s l -l login -r
complete -c postern -n "__fish_postern_using_subcommand status" -s k -l add-keys-to-agent -r
complete -c postern -n "__fish_postern_using_subcommand status" -s J -l jumphost -r
complete -c postern -n "__fish_postern_using_subcommand status" -l cert-format -r
complete -c postern -n "__fish_postern_using_subcommand status" -l compat -r
complete -c postern -n "__fish_postern_using_subcommand status" -l mlock -r
complete -c postern -n "__fish_postern_using_subcommand status" -l piv-slot -r
complete -c postern -n "__fish_postern_using_subcommand status" -l relay -r
complete -c postern -n "__fish_postern_using_subcommand status" -l trace-exporter -r
complete -c postern -n "__fish_postern_using_subcommand status" -l trace-profile -r
complete -c postern -n "__fish_postern_using_subcommand status" -l cpu-profile -r
complete -c postern -n "__fish_postern_using_subcommand status" -l mem-profile -r
complete -c postern -n "__fish_postern_using_subcommand status" -s v -l verbose -d 'Nothing more than without it; tsh has it'
complete -c postern -n "__fish_postern_using_subcommand status" -l insecure -d 'Do not verify the proxy\'s certificate; for tests only'
complete -c postern -n "__fish_postern_using_subcommand status" -l skip-version-check -d 'Do not warn of a cluster whose version may not fit'
complete -c postern -n "__fish_postern_using_subcommand status" -s d -l debug -d 'Say on stderr which settings hold and where they come from, and where something failed'
complete -c postern -n "__fish_postern_using_subcommand status" -l non-interactive -d 'Never prompt and never open a browser (implied without a terminal)'
complete -c postern -n "__fish_postern_using_subcommand status" -l headless -d 'Log in by another device, as tsh can for ssh'
complete -c postern -n "__fish_postern_using_subcommand status" -l use-local-ssh-agent
complete -c postern -n "__fish_postern_using_subcommand status" -l enable-escape-sequences
complete -c postern -n "__fish_postern_using_subcommand status" -l os-log
complete -c postern -n "__fish_postern_using_subcommand status" -l trace
complete -c postern -n "__fish_postern_using_subcommand status" -l nocache
complete -c postern -n "__fish_postern_using_subcommand status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postern -n "__fish_postern_using_subcommand clusters" -l proxy -d 'Proxy of the cluster. Default: $POSTERN_PROXY, $TELEPORT_PROXY, else that of the last login' -r
complete -c postern -n "__fish_postern_using_subcommand clusters" -l user -d 'Teleport user. Default: $POSTERN_USER, $TELEPORT_USER, else as at the last login' -r
complete -c postern -n "__fish_postern_using_subcommand clusters" -s c -l cluster -d 'The cluster that owns the databases: a leaf of the one you are logged in to. Default: $POSTERN_CLUSTER, $TELEPORT_CLUSTER' -r
complete -c postern -n "__fish_postern_using_subcommand clusters" -s i -l identity -d 'Identity file to use instead of a login. Default: $POSTERN_IDENTITY_FILE, $TELEPORT_IDENTITY_FILE' -r -F
complete -c postern -n "__fish_postern_using_subcommand clusters" -l auth -d 'How to log in: "local", or the name of a connector. Default: $POSTERN_AUTH, $TELEPORT_AUTH, else the cluster\'s own' -r
complete -c postern -n "__fish_postern_using_subcommand clusters" -l mfa-mode -d 'Which second factor to use; this program can do one-time codes' -r -f -a "auto\t'Whatever the cluster offers and this program can do'
otp\t'One-time codes'"
complete -c postern -n "__fish_postern_using_subcommand clusters" -l ttl -d 'How long a login shall hold: 8h, 90m, 1h30m; a bare number is minutes. The cluster may shorten it' -r
complete -c postern -n "__fish_postern_using_subcommand clusters" -s f -l format -d 'How to print results; with json and yaml, errors are one JSON object on stderr' -r -f -a "text\t'For people'
json\t'For programs; errors are then one JSON object on stderr'
yaml\t'The same as YAML; errors are JSON, which is YAML too'
names\t'Only the names, one a line ("db ls")'
cmd\t'The command to run, for a shell ("db config")'"
complete -c postern -n "__fish_postern_using_subcommand clusters" -s l -l login -r
complete -c postern -n "__fish_postern_using_subcommand clusters" -s k -l add-keys-to-agent -r
complete -c postern -n "__fish_postern_using_subcommand clusters" -s J -l jumphost -r
complete -c postern -n "__fish_postern_using_subcommand clusters" -l cert-format -r
complete -c postern -n "__fish_postern_using_subcommand clusters" -l compat -r
complete -c postern -n "__fish_postern_using_subcommand clusters" -l mlock -r
complete -c postern -n "__fish_postern_using_subcommand clusters" -l piv-slot -r
complete -c postern -n "__fish_postern_using_subcommand clusters" -l relay -r
complete -c postern -n "__fish_postern_using_subcommand clusters" -l trace-exporter -r
complete -c postern -n "__fish_postern_using_subcommand clusters" -l trace-profile -r
complete -c postern -n "__fish_postern_using_subcommand clusters" -l cpu-profile -r
complete -c postern -n "__fish_postern_using_subcommand clusters" -l mem-profile -r
complete -c postern -n "__fish_postern_using_subcommand clusters" -s q -l quiet -d 'Neither heads nor the last column'
complete -c postern -n "__fish_postern_using_subcommand clusters" -s v -l verbose -d 'Nothing more than without it; tsh has it'
complete -c postern -n "__fish_postern_using_subcommand clusters" -l insecure -d 'Do not verify the proxy\'s certificate; for tests only'
complete -c postern -n "__fish_postern_using_subcommand clusters" -l skip-version-check -d 'Do not warn of a cluster whose version may not fit'
complete -c postern -n "__fish_postern_using_subcommand clusters" -s d -l debug -d 'Say on stderr which settings hold and where they come from, and where something failed'
complete -c postern -n "__fish_postern_using_subcommand clusters" -l non-interactive -d 'Never prompt and never open a browser (implied without a terminal)'
complete -c postern -n "__fish_postern_using_subcommand clusters" -l headless -d 'Log in by another device, as tsh can for ssh'
complete -c postern -n "__fish_postern_using_subcommand clusters" -l use-local-ssh-agent
complete -c postern -n "__fish_postern_using_subcommand clusters" -l enable-escape-sequences
complete -c postern -n "__fish_postern_using_subcommand clusters" -l os-log
complete -c postern -n "__fish_postern_using_subcommand clusters" -l trace
complete -c postern -n "__fish_postern_using_subcommand clusters" -l nocache
complete -c postern -n "__fish_postern_using_subcommand clusters" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postern -n "__fish_postern_using_subcommand db; and not __fish_seen_subcommand_from ls connect proxy why ps cancel ping login logout env config" -l proxy -d 'Proxy of the cluster. Default: $POSTERN_PROXY, $TELEPORT_PROXY, else that of the last login' -r
complete -c postern -n "__fish_postern_using_subcommand db; and not __fish_seen_subcommand_from ls connect proxy why ps cancel ping login logout env config" -l user -d 'Teleport user. Default: $POSTERN_USER, $TELEPORT_USER, else as at the last login' -r
complete -c postern -n "__fish_postern_using_subcommand db; and not __fish_seen_subcommand_from ls connect proxy why ps cancel ping login logout env config" -s c -l cluster -d 'The cluster that owns the databases: a leaf of the one you are logged in to. Default: $POSTERN_CLUSTER, $TELEPORT_CLUSTER' -r
complete -c postern -n "__fish_postern_using_subcommand db; and not __fish_seen_subcommand_from ls connect proxy why ps cancel ping login logout env config" -s i -l identity -d 'Identity file to use instead of a login. Default: $POSTERN_IDENTITY_FILE, $TELEPORT_IDENTITY_FILE' -r -F
complete -c postern -n "__fish_postern_using_subcommand db; and not __fish_seen_subcommand_from ls connect proxy why ps cancel ping login logout env config" -l auth -d 'How to log in: "local", or the name of a connector. Default: $POSTERN_AUTH, $TELEPORT_AUTH, else the cluster\'s own' -r
complete -c postern -n "__fish_postern_using_subcommand db; and not __fish_seen_subcommand_from ls connect proxy why ps cancel ping login logout env config" -l mfa-mode -d 'Which second factor to use; this program can do one-time codes' -r -f -a "auto\t'Whatever the cluster offers and this program can do'
otp\t'One-time codes'"
complete -c postern -n "__fish_postern_using_subcommand db; and not __fish_seen_subcommand_from ls connect proxy why ps cancel ping login logout env config" -l ttl -d 'How long a login shall hold: 8h, 90m, 1h30m; a bare number is minutes. The cluster may shorten it' -r
complete -c postern -n "__fish_postern_using_subcommand db; and not __fish_seen_subcommand_from ls connect proxy why ps cancel ping login logout env config" -s f -l format -d 'How to print results; with json and yaml, errors are one JSON object on stderr' -r -f -a "text\t'For people'
json\t'For programs; errors are then one JSON object on stderr'
yaml\t'The same as YAML; errors are JSON, which is YAML too'
names\t'Only the names, one a line ("db ls")'
cmd\t'The command to run, for a shell ("db config")'"
complete -c postern -n "__fish_postern_using_subcommand db; and not __fish_seen_subcommand_from ls connect proxy why ps cancel ping login logout env config" -s l -l login -r
complete -c postern -n "__fish_postern_using_subcommand db; and not __fish_seen_subcommand_from ls connect proxy why ps cancel ping login logout env config" -s k -l add-keys-to-agent -r
complete -c postern -n "__fish_postern_using_subcommand db; and not __fish_seen_subcommand_from ls connect proxy why ps cancel ping login logout env config" -s J -l jumphost -r
complete -c postern -n "__fish_postern_using_subcommand db; and not __fish_seen_subcommand_from ls connect proxy why ps cancel ping login logout env config" -l cert-format -r
complete -c postern -n "__fish_postern_using_subcommand db; and not __fish_seen_subcommand_from ls connect proxy why ps cancel ping login logout env config" -l compat -r
complete -c postern -n "__fish_postern_using_subcommand db; and not __fish_seen_subcommand_from ls connect proxy why ps cancel ping login logout env config" -l mlock -r
complete -c postern -n "__fish_postern_using_subcommand db; and not __fish_seen_subcommand_from ls connect proxy why ps cancel ping login logout env config" -l piv-slot -r
complete -c postern -n "__fish_postern_using_subcommand db; and not __fish_seen_subcommand_from ls connect proxy why ps cancel ping login logout env config" -l relay -r
complete -c postern -n "__fish_postern_using_subcommand db; and not __fish_seen_subcommand_from ls connect proxy why ps cancel ping login logout env config" -l trace-exporter -r
complete -c postern -n "__fish_postern_using_subcommand db; and not __fish_seen_subcommand_from ls connect proxy why ps cancel ping login logout env config" -l trace-profile -r
complete -c postern -n "__fish_postern_using_subcommand db; and not __fish_seen_subcommand_from ls connect proxy why ps cancel ping login logout env config" -l cpu-profile -r
complete -c postern -n "__fish_postern_using_subcommand db; and not __fish_seen_subcommand_from ls connect proxy why ps cancel ping login logout env config" -l mem-profile -r
complete -c postern -n "__fish_postern_using_subcommand db; and not __fish_seen_subcommand_from ls connect proxy why ps cancel ping login logout env config" -l insecure -d 'Do not verify the proxy\'s certificate; for tests only'
complete -c postern -n "__fish_postern_using_subcommand db; and not __fish_seen_subcommand_from ls connect proxy why ps cancel ping login logout env config" -l skip-version-check -d 'Do not warn of a cluster whose version may not fit'
complete -c postern -n "__fish_postern_using_subcommand db; and not __fish_seen_subcommand_from ls connect proxy why ps cancel ping login logout env config" -s d -l debug -d 'Say on stderr which settings hold and where they come from, and where something failed'
complete -c postern -n "__fish_postern_using_subcommand db; and not __fish_seen_subcommand_from ls connect proxy why ps cancel ping login logout env config" -l non-interactive -d 'Never prompt and never open a browser (implied without a terminal)'
complete -c postern -n "__fish_postern_using_subcommand db; and not __fish_seen_subcommand_from ls connect proxy why ps cancel ping login logout env config" -l headless -d 'Log in by another device, as tsh can for ssh'
complete -c postern -n "__fish_postern_using_subcommand db; and not __fish_seen_subcommand_from ls connect proxy why ps cancel ping login logout env config" -l use-local-ssh-agent
complete -c postern -n "__fish_postern_using_subcommand db; and not __fish_seen_subcommand_from ls connect proxy why ps cancel ping login logout env config" -l enable-escape-sequences
complete -c postern -n "__fish_postern_using_subcommand db; and not __fish_seen_subcommand_from ls connect proxy why ps cancel ping login logout env config" -l os-log
complete -c postern -n "__fish_postern_using_subcommand db; and not __fish_seen_subcommand_from ls connect proxy why ps cancel ping login logout env config" -l trace
complete -c postern -n "__fish_postern_using_subcommand db; and not __fish_seen_subcommand_from ls connect proxy why ps cancel ping login logout env config" -l nocache
complete -c postern -n "__fish_postern_using_subcommand db; and not __fish_seen_subcommand_from ls connect proxy why ps cancel ping login logout env config" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postern -n "__fish_postern_using_subcommand db; and not __fish_seen_subcommand_from ls connect proxy why ps cancel ping login logout env config" -f -a "ls" -d 'List databases, with the users and database roles you may have there'
complete -c postern -n "__fish_postern_using_subcommand db; and not __fish_seen_subcommand_from ls connect proxy why ps cancel ping login logout env config" -f -a "connect" -d 'Connect to a database with psql, or another program'
complete -c postern -n "__fish_postern_using_subcommand db; and not __fish_seen_subcommand_from ls connect proxy why ps cancel ping login logout env config" -f -a "proxy" -d 'Open a tunnel for any program on this computer (also "postern proxy db")'
complete -c postern -n "__fish_postern_using_subcommand db; and not __fish_seen_subcommand_from ls connect proxy why ps cancel ping login logout env config" -f -a "why" -d 'Explain what you may do on a database, and which role, label or trait decides it'
complete -c postern -n "__fish_postern_using_subcommand db; and not __fish_seen_subcommand_from ls connect proxy why ps cancel ping login logout env config" -f -a "ps" -d 'List what runs on a database\'s server'
complete -c postern -n "__fish_postern_using_subcommand db; and not __fish_seen_subcommand_from ls connect proxy why ps cancel ping login logout env config" -f -a "cancel" -d 'Stop a statement, or with --force its session, and tell whether it has stopped'
complete -c postern -n "__fish_postern_using_subcommand db; and not __fish_seen_subcommand_from ls connect proxy why ps cancel ping login logout env config" -f -a "ping" -d 'Measure each step to a database\'s first row, and name the one that fails'
complete -c postern -n "__fish_postern_using_subcommand db; and not __fish_seen_subcommand_from ls connect proxy why ps cancel ping login logout env config" -f -a "login" -d 'Choose a database, its user, name and roles, for what follows; nothing refused is remembered'
complete -c postern -n "__fish_postern_using_subcommand db; and not __fish_seen_subcommand_from ls connect proxy why ps cancel ping login logout env config" -f -a "logout" -d 'Forget what "db login" chose'
complete -c postern -n "__fish_postern_using_subcommand db; and not __fish_seen_subcommand_from ls connect proxy why ps cancel ping login logout env config" -f -a "env" -d 'Print libpq\'s variables for the tunnel to a chosen database: eval "$(postern db env NAME)"'
complete -c postern -n "__fish_postern_using_subcommand db; and not __fish_seen_subcommand_from ls connect proxy why ps cancel ping login logout env config" -f -a "config" -d 'Print where other programs find a chosen database'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ls" -l timeout -d 'With --all: how long each cluster is waited for, in seconds' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ls" -l search -d 'Only databases in which every word occurs: in the name, description, labels, protocol or type' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ls" -l query -d 'Only databases for which this expression holds, e.g. \'labels["env"] == "dev"\'' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ls" -l proxy -d 'Proxy of the cluster. Default: $POSTERN_PROXY, $TELEPORT_PROXY, else that of the last login' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ls" -l user -d 'Teleport user. Default: $POSTERN_USER, $TELEPORT_USER, else as at the last login' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ls" -s c -l cluster -d 'The cluster that owns the databases: a leaf of the one you are logged in to. Default: $POSTERN_CLUSTER, $TELEPORT_CLUSTER' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ls" -s i -l identity -d 'Identity file to use instead of a login. Default: $POSTERN_IDENTITY_FILE, $TELEPORT_IDENTITY_FILE' -r -F
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ls" -l auth -d 'How to log in: "local", or the name of a connector. Default: $POSTERN_AUTH, $TELEPORT_AUTH, else the cluster\'s own' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ls" -l mfa-mode -d 'Which second factor to use; this program can do one-time codes' -r -f -a "auto\t'Whatever the cluster offers and this program can do'
otp\t'One-time codes'"
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ls" -l ttl -d 'How long a login shall hold: 8h, 90m, 1h30m; a bare number is minutes. The cluster may shorten it' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ls" -s f -l format -d 'How to print results; with json and yaml, errors are one JSON object on stderr' -r -f -a "text\t'For people'
json\t'For programs; errors are then one JSON object on stderr'
yaml\t'The same as YAML; errors are JSON, which is YAML too'
names\t'Only the names, one a line ("db ls")'
cmd\t'The command to run, for a shell ("db config")'"
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ls" -s l -l login -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ls" -s k -l add-keys-to-agent -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ls" -s J -l jumphost -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ls" -l cert-format -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ls" -l compat -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ls" -l mlock -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ls" -l piv-slot -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ls" -l relay -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ls" -l trace-exporter -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ls" -l trace-profile -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ls" -l cpu-profile -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ls" -l mem-profile -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ls" -s v -l verbose -d 'Also protocol, type, address, database roles and names, and the labels of Teleport itself'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ls" -s R -l all -d 'The databases of every cluster: of the one you are logged in to, of its leaf clusters, and of your other logins, tsh\'s among them'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ls" -l insecure -d 'Do not verify the proxy\'s certificate; for tests only'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ls" -l skip-version-check -d 'Do not warn of a cluster whose version may not fit'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ls" -s d -l debug -d 'Say on stderr which settings hold and where they come from, and where something failed'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ls" -l non-interactive -d 'Never prompt and never open a browser (implied without a terminal)'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ls" -l headless -d 'Log in by another device, as tsh can for ssh'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ls" -l use-local-ssh-agent
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ls" -l enable-escape-sequences
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ls" -l os-log
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ls" -l trace
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ls" -l nocache
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from connect" -s u -l db-user -d 'Database user; not needed where users are provisioned automatically' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from connect" -s n -l db-name -d 'Database name' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from connect" -s r -l db-roles -d 'Database roles for an automatically provisioned user, separated by commas; without it, all you may have' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from connect" -l labels -d 'Only databases with these labels, e.g. env=dev,team=a' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from connect" -l request-reason -d 'There are no requests that could have a reason; tsh has it' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from connect" -l search -d 'Only databases in which every word occurs: in the name, description, labels, protocol or type' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from connect" -l query -d 'Only databases for which this expression holds, e.g. \'labels["env"] == "dev"\'' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from connect" -l client -d 'Program to start instead of psql: pgcli, usql, a path, or a name from the configuration file' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from connect" -l proxy -d 'Proxy of the cluster. Default: $POSTERN_PROXY, $TELEPORT_PROXY, else that of the last login' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from connect" -l user -d 'Teleport user. Default: $POSTERN_USER, $TELEPORT_USER, else as at the last login' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from connect" -s c -l cluster -d 'The cluster that owns the databases: a leaf of the one you are logged in to. Default: $POSTERN_CLUSTER, $TELEPORT_CLUSTER' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from connect" -s i -l identity -d 'Identity file to use instead of a login. Default: $POSTERN_IDENTITY_FILE, $TELEPORT_IDENTITY_FILE' -r -F
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from connect" -l auth -d 'How to log in: "local", or the name of a connector. Default: $POSTERN_AUTH, $TELEPORT_AUTH, else the cluster\'s own' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from connect" -l mfa-mode -d 'Which second factor to use; this program can do one-time codes' -r -f -a "auto\t'Whatever the cluster offers and this program can do'
otp\t'One-time codes'"
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from connect" -l ttl -d 'How long a login shall hold: 8h, 90m, 1h30m; a bare number is minutes. The cluster may shorten it' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from connect" -s f -l format -d 'How to print results; with json and yaml, errors are one JSON object on stderr' -r -f -a "text\t'For people'
json\t'For programs; errors are then one JSON object on stderr'
yaml\t'The same as YAML; errors are JSON, which is YAML too'
names\t'Only the names, one a line ("db ls")'
cmd\t'The command to run, for a shell ("db config")'"
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from connect" -s l -l login -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from connect" -s k -l add-keys-to-agent -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from connect" -s J -l jumphost -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from connect" -l cert-format -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from connect" -l compat -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from connect" -l mlock -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from connect" -l piv-slot -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from connect" -l relay -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from connect" -l trace-exporter -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from connect" -l trace-profile -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from connect" -l cpu-profile -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from connect" -l mem-profile -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from connect" -l tunnel -d 'There is always a tunnel; tsh has it'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from connect" -l disable-access-request -d 'Access is never requested by itself; tsh has it'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from connect" -l insecure -d 'Do not verify the proxy\'s certificate; for tests only'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from connect" -l skip-version-check -d 'Do not warn of a cluster whose version may not fit'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from connect" -s d -l debug -d 'Say on stderr which settings hold and where they come from, and where something failed'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from connect" -l non-interactive -d 'Never prompt and never open a browser (implied without a terminal)'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from connect" -l headless -d 'Log in by another device, as tsh can for ssh'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from connect" -l use-local-ssh-agent
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from connect" -l enable-escape-sequences
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from connect" -l os-log
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from connect" -l trace
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from connect" -l nocache
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from connect" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -s u -l db-user -d 'Database user; not needed where users are provisioned automatically' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -s n -l db-name -d 'Database name' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -s r -l db-roles -d 'Database roles for an automatically provisioned user, separated by commas; without it, all you may have' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -l labels -d 'Only databases with these labels, e.g. env=dev,team=a' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -l request-reason -d 'There are no requests that could have a reason; tsh has it' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -l search -d 'Only databases in which every word occurs: in the name, description, labels, protocol or type' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -l query -d 'Only databases for which this expression holds, e.g. \'labels["env"] == "dev"\'' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -s p -l port -d 'Port on 127.0.0.1; without it, any free one' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -l listen -d 'Address of this computer\'s own to listen on, e.g. 127.0.0.1:5432 or [::1]:0; or a socket, unix:PATH, where PATH is its directory or ends in .s.PGSQL.PORT' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -l proxy -d 'Proxy of the cluster. Default: $POSTERN_PROXY, $TELEPORT_PROXY, else that of the last login' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -l user -d 'Teleport user. Default: $POSTERN_USER, $TELEPORT_USER, else as at the last login' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -s c -l cluster -d 'The cluster that owns the databases: a leaf of the one you are logged in to. Default: $POSTERN_CLUSTER, $TELEPORT_CLUSTER' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -s i -l identity -d 'Identity file to use instead of a login. Default: $POSTERN_IDENTITY_FILE, $TELEPORT_IDENTITY_FILE' -r -F
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -l auth -d 'How to log in: "local", or the name of a connector. Default: $POSTERN_AUTH, $TELEPORT_AUTH, else the cluster\'s own' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -l mfa-mode -d 'Which second factor to use; this program can do one-time codes' -r -f -a "auto\t'Whatever the cluster offers and this program can do'
otp\t'One-time codes'"
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -l ttl -d 'How long a login shall hold: 8h, 90m, 1h30m; a bare number is minutes. The cluster may shorten it' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -s f -l format -d 'How to print results; with json and yaml, errors are one JSON object on stderr' -r -f -a "text\t'For people'
json\t'For programs; errors are then one JSON object on stderr'
yaml\t'The same as YAML; errors are JSON, which is YAML too'
names\t'Only the names, one a line ("db ls")'
cmd\t'The command to run, for a shell ("db config")'"
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -s l -l login -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -s k -l add-keys-to-agent -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -s J -l jumphost -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -l cert-format -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -l compat -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -l mlock -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -l piv-slot -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -l relay -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -l trace-exporter -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -l trace-profile -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -l cpu-profile -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -l mem-profile -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -l tunnel -d 'There is always a tunnel; tsh has it'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -l disable-access-request -d 'Access is never requested by itself; tsh has it'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -l check -d 'Connect to the database once before saying that the tunnel is ready, and fail when that fails'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -l stdio -d 'Serve one connection over standard input and output, for a program that starts this command itself; nothing but PostgreSQL\'s bytes is written there'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -l allow-other-users -d 'Serve other users of this computer too; without it, their connections are refused'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -l require-password -d 'Ask every client for a random password, printed here; done without being told where the system cannot say whose a connection is'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -l any-target -d 'Let clients name another user or database than the tunnel\'s; the cluster then decides'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -l insecure-listen-anywhere -d 'With --listen: allow an address that other computers can reach; what they send goes over the network in clear'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -l insecure -d 'Do not verify the proxy\'s certificate; for tests only'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -l skip-version-check -d 'Do not warn of a cluster whose version may not fit'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -s d -l debug -d 'Say on stderr which settings hold and where they come from, and where something failed'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -l non-interactive -d 'Never prompt and never open a browser (implied without a terminal)'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -l headless -d 'Log in by another device, as tsh can for ssh'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -l use-local-ssh-agent
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -l enable-escape-sequences
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -l os-log
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -l trace
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -l nocache
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from why" -s u -l db-user -d 'Database user; not needed where users are provisioned automatically' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from why" -s n -l db-name -d 'Database name' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from why" -s r -l db-roles -d 'Database roles for an automatically provisioned user, separated by commas; without it, all you may have' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from why" -l labels -d 'Only databases with these labels, e.g. env=dev,team=a' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from why" -l request-reason -d 'There are no requests that could have a reason; tsh has it' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from why" -l search -d 'Only databases in which every word occurs: in the name, description, labels, protocol or type' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from why" -l query -d 'Only databases for which this expression holds, e.g. \'labels["env"] == "dev"\'' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from why" -l proxy -d 'Proxy of the cluster. Default: $POSTERN_PROXY, $TELEPORT_PROXY, else that of the last login' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from why" -l user -d 'Teleport user. Default: $POSTERN_USER, $TELEPORT_USER, else as at the last login' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from why" -s c -l cluster -d 'The cluster that owns the databases: a leaf of the one you are logged in to. Default: $POSTERN_CLUSTER, $TELEPORT_CLUSTER' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from why" -s i -l identity -d 'Identity file to use instead of a login. Default: $POSTERN_IDENTITY_FILE, $TELEPORT_IDENTITY_FILE' -r -F
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from why" -l auth -d 'How to log in: "local", or the name of a connector. Default: $POSTERN_AUTH, $TELEPORT_AUTH, else the cluster\'s own' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from why" -l mfa-mode -d 'Which second factor to use; this program can do one-time codes' -r -f -a "auto\t'Whatever the cluster offers and this program can do'
otp\t'One-time codes'"
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from why" -l ttl -d 'How long a login shall hold: 8h, 90m, 1h30m; a bare number is minutes. The cluster may shorten it' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from why" -s f -l format -d 'How to print results; with json and yaml, errors are one JSON object on stderr' -r -f -a "text\t'For people'
json\t'For programs; errors are then one JSON object on stderr'
yaml\t'The same as YAML; errors are JSON, which is YAML too'
names\t'Only the names, one a line ("db ls")'
cmd\t'The command to run, for a shell ("db config")'"
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from why" -s l -l login -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from why" -s k -l add-keys-to-agent -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from why" -s J -l jumphost -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from why" -l cert-format -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from why" -l compat -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from why" -l mlock -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from why" -l piv-slot -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from why" -l relay -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from why" -l trace-exporter -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from why" -l trace-profile -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from why" -l cpu-profile -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from why" -l mem-profile -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from why" -l tunnel -d 'There is always a tunnel; tsh has it'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from why" -l disable-access-request -d 'Access is never requested by itself; tsh has it'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from why" -l insecure -d 'Do not verify the proxy\'s certificate; for tests only'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from why" -l skip-version-check -d 'Do not warn of a cluster whose version may not fit'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from why" -s d -l debug -d 'Say on stderr which settings hold and where they come from, and where something failed'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from why" -l non-interactive -d 'Never prompt and never open a browser (implied without a terminal)'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from why" -l headless -d 'Log in by another device, as tsh can for ssh'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from why" -l use-local-ssh-agent
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from why" -l enable-escape-sequences
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from why" -l os-log
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from why" -l trace
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from why" -l nocache
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from why" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ps" -s u -l db-user -d 'Database user; not needed where users are provisioned automatically' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ps" -s n -l db-name -d 'Database name' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ps" -s r -l db-roles -d 'Database roles for an automatically provisioned user, separated by commas; without it, all you may have' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ps" -l labels -d 'Only databases with these labels, e.g. env=dev,team=a' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ps" -l request-reason -d 'There are no requests that could have a reason; tsh has it' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ps" -l search -d 'Only databases in which every word occurs: in the name, description, labels, protocol or type' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ps" -l query -d 'Only databases for which this expression holds, e.g. \'labels["env"] == "dev"\'' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ps" -l interval -d 'Seconds between two looks' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ps" -l proxy -d 'Proxy of the cluster. Default: $POSTERN_PROXY, $TELEPORT_PROXY, else that of the last login' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ps" -l user -d 'Teleport user. Default: $POSTERN_USER, $TELEPORT_USER, else as at the last login' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ps" -s c -l cluster -d 'The cluster that owns the databases: a leaf of the one you are logged in to. Default: $POSTERN_CLUSTER, $TELEPORT_CLUSTER' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ps" -s i -l identity -d 'Identity file to use instead of a login. Default: $POSTERN_IDENTITY_FILE, $TELEPORT_IDENTITY_FILE' -r -F
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ps" -l auth -d 'How to log in: "local", or the name of a connector. Default: $POSTERN_AUTH, $TELEPORT_AUTH, else the cluster\'s own' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ps" -l mfa-mode -d 'Which second factor to use; this program can do one-time codes' -r -f -a "auto\t'Whatever the cluster offers and this program can do'
otp\t'One-time codes'"
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ps" -l ttl -d 'How long a login shall hold: 8h, 90m, 1h30m; a bare number is minutes. The cluster may shorten it' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ps" -s f -l format -d 'How to print results; with json and yaml, errors are one JSON object on stderr' -r -f -a "text\t'For people'
json\t'For programs; errors are then one JSON object on stderr'
yaml\t'The same as YAML; errors are JSON, which is YAML too'
names\t'Only the names, one a line ("db ls")'
cmd\t'The command to run, for a shell ("db config")'"
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ps" -s l -l login -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ps" -s k -l add-keys-to-agent -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ps" -s J -l jumphost -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ps" -l cert-format -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ps" -l compat -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ps" -l mlock -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ps" -l piv-slot -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ps" -l relay -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ps" -l trace-exporter -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ps" -l trace-profile -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ps" -l cpu-profile -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ps" -l mem-profile -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ps" -l tunnel -d 'There is always a tunnel; tsh has it'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ps" -l disable-access-request -d 'Access is never requested by itself; tsh has it'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ps" -s a -l all -d 'Sessions of all database users, as far as the server shows them to yours'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ps" -s w -l watch -d 'Look again and again until Ctrl+C: on a terminal the list is drawn anew, else lines are appended'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ps" -l insecure -d 'Do not verify the proxy\'s certificate; for tests only'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ps" -l skip-version-check -d 'Do not warn of a cluster whose version may not fit'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ps" -s d -l debug -d 'Say on stderr which settings hold and where they come from, and where something failed'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ps" -l non-interactive -d 'Never prompt and never open a browser (implied without a terminal)'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ps" -l headless -d 'Log in by another device, as tsh can for ssh'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ps" -l use-local-ssh-agent
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ps" -l enable-escape-sequences
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ps" -l os-log
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ps" -l trace
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ps" -l nocache
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ps" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from cancel" -s u -l db-user -d 'Database user; not needed where users are provisioned automatically' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from cancel" -s n -l db-name -d 'Database name' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from cancel" -s r -l db-roles -d 'Database roles for an automatically provisioned user, separated by commas; without it, all you may have' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from cancel" -l labels -d 'Only databases with these labels, e.g. env=dev,team=a' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from cancel" -l request-reason -d 'There are no requests that could have a reason; tsh has it' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from cancel" -l search -d 'Only databases in which every word occurs: in the name, description, labels, protocol or type' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from cancel" -l query -d 'Only databases for which this expression holds, e.g. \'labels["env"] == "dev"\'' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from cancel" -l wait -d 'How many seconds to wait for the end' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from cancel" -l proxy -d 'Proxy of the cluster. Default: $POSTERN_PROXY, $TELEPORT_PROXY, else that of the last login' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from cancel" -l user -d 'Teleport user. Default: $POSTERN_USER, $TELEPORT_USER, else as at the last login' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from cancel" -s c -l cluster -d 'The cluster that owns the databases: a leaf of the one you are logged in to. Default: $POSTERN_CLUSTER, $TELEPORT_CLUSTER' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from cancel" -s i -l identity -d 'Identity file to use instead of a login. Default: $POSTERN_IDENTITY_FILE, $TELEPORT_IDENTITY_FILE' -r -F
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from cancel" -l auth -d 'How to log in: "local", or the name of a connector. Default: $POSTERN_AUTH, $TELEPORT_AUTH, else the cluster\'s own' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from cancel" -l mfa-mode -d 'Which second factor to use; this program can do one-time codes' -r -f -a "auto\t'Whatever the cluster offers and this program can do'
otp\t'One-time codes'"
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from cancel" -l ttl -d 'How long a login shall hold: 8h, 90m, 1h30m; a bare number is minutes. The cluster may shorten it' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from cancel" -s f -l format -d 'How to print results; with json and yaml, errors are one JSON object on stderr' -r -f -a "text\t'For people'
json\t'For programs; errors are then one JSON object on stderr'
yaml\t'The same as YAML; errors are JSON, which is YAML too'
names\t'Only the names, one a line ("db ls")'
cmd\t'The command to run, for a shell ("db config")'"
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from cancel" -s l -l login -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from cancel" -s k -l add-keys-to-agent -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from cancel" -s J -l jumphost -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from cancel" -l cert-format -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from cancel" -l compat -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from cancel" -l mlock -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from cancel" -l piv-slot -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from cancel" -l relay -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from cancel" -l trace-exporter -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from cancel" -l trace-profile -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from cancel" -l cpu-profile -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from cancel" -l mem-profile -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from cancel" -l tunnel -d 'There is always a tunnel; tsh has it'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from cancel" -l disable-access-request -d 'Access is never requested by itself; tsh has it'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from cancel" -l force -d 'End the whole session (pg_terminate_backend) instead of its statement (pg_cancel_backend)'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from cancel" -s a -l all -d 'Also what is not your database user\'s, where its rights allow it'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from cancel" -l insecure -d 'Do not verify the proxy\'s certificate; for tests only'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from cancel" -l skip-version-check -d 'Do not warn of a cluster whose version may not fit'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from cancel" -s d -l debug -d 'Say on stderr which settings hold and where they come from, and where something failed'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from cancel" -l non-interactive -d 'Never prompt and never open a browser (implied without a terminal)'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from cancel" -l headless -d 'Log in by another device, as tsh can for ssh'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from cancel" -l use-local-ssh-agent
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from cancel" -l enable-escape-sequences
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from cancel" -l os-log
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from cancel" -l trace
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from cancel" -l nocache
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from cancel" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ping" -s u -l db-user -d 'Database user; not needed where users are provisioned automatically' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ping" -s n -l db-name -d 'Database name' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ping" -s r -l db-roles -d 'Database roles for an automatically provisioned user, separated by commas; without it, all you may have' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ping" -l labels -d 'Only databases with these labels, e.g. env=dev,team=a' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ping" -l request-reason -d 'There are no requests that could have a reason; tsh has it' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ping" -l search -d 'Only databases in which every word occurs: in the name, description, labels, protocol or type' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ping" -l query -d 'Only databases for which this expression holds, e.g. \'labels["env"] == "dev"\'' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ping" -l count -d 'How many times the whole way is gone' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ping" -l proxy -d 'Proxy of the cluster. Default: $POSTERN_PROXY, $TELEPORT_PROXY, else that of the last login' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ping" -l user -d 'Teleport user. Default: $POSTERN_USER, $TELEPORT_USER, else as at the last login' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ping" -s c -l cluster -d 'The cluster that owns the databases: a leaf of the one you are logged in to. Default: $POSTERN_CLUSTER, $TELEPORT_CLUSTER' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ping" -s i -l identity -d 'Identity file to use instead of a login. Default: $POSTERN_IDENTITY_FILE, $TELEPORT_IDENTITY_FILE' -r -F
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ping" -l auth -d 'How to log in: "local", or the name of a connector. Default: $POSTERN_AUTH, $TELEPORT_AUTH, else the cluster\'s own' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ping" -l mfa-mode -d 'Which second factor to use; this program can do one-time codes' -r -f -a "auto\t'Whatever the cluster offers and this program can do'
otp\t'One-time codes'"
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ping" -l ttl -d 'How long a login shall hold: 8h, 90m, 1h30m; a bare number is minutes. The cluster may shorten it' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ping" -s f -l format -d 'How to print results; with json and yaml, errors are one JSON object on stderr' -r -f -a "text\t'For people'
json\t'For programs; errors are then one JSON object on stderr'
yaml\t'The same as YAML; errors are JSON, which is YAML too'
names\t'Only the names, one a line ("db ls")'
cmd\t'The command to run, for a shell ("db config")'"
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ping" -s l -l login -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ping" -s k -l add-keys-to-agent -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ping" -s J -l jumphost -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ping" -l cert-format -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ping" -l compat -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ping" -l mlock -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ping" -l piv-slot -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ping" -l relay -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ping" -l trace-exporter -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ping" -l trace-profile -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ping" -l cpu-profile -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ping" -l mem-profile -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ping" -l tunnel -d 'There is always a tunnel; tsh has it'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ping" -l disable-access-request -d 'Access is never requested by itself; tsh has it'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ping" -l kept -d 'With the certificate that is kept, as a second "db connect" has it, instead of a new one in every round'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ping" -l insecure -d 'Do not verify the proxy\'s certificate; for tests only'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ping" -l skip-version-check -d 'Do not warn of a cluster whose version may not fit'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ping" -s d -l debug -d 'Say on stderr which settings hold and where they come from, and where something failed'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ping" -l non-interactive -d 'Never prompt and never open a browser (implied without a terminal)'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ping" -l headless -d 'Log in by another device, as tsh can for ssh'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ping" -l use-local-ssh-agent
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ping" -l enable-escape-sequences
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ping" -l os-log
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ping" -l trace
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ping" -l nocache
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ping" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from login" -s u -l db-user -d 'Database user; not needed where users are provisioned automatically' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from login" -s n -l db-name -d 'Database name' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from login" -s r -l db-roles -d 'Database roles for an automatically provisioned user, separated by commas; without it, all you may have' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from login" -l labels -d 'Only databases with these labels, e.g. env=dev,team=a' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from login" -l request-reason -d 'There are no requests that could have a reason; tsh has it' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from login" -l search -d 'Only databases in which every word occurs: in the name, description, labels, protocol or type' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from login" -l query -d 'Only databases for which this expression holds, e.g. \'labels["env"] == "dev"\'' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from login" -s p -l port -d 'Port on 127.0.0.1 for the tunnel to this database; without it the former one, else a free one' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from login" -l proxy -d 'Proxy of the cluster. Default: $POSTERN_PROXY, $TELEPORT_PROXY, else that of the last login' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from login" -l user -d 'Teleport user. Default: $POSTERN_USER, $TELEPORT_USER, else as at the last login' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from login" -s c -l cluster -d 'The cluster that owns the databases: a leaf of the one you are logged in to. Default: $POSTERN_CLUSTER, $TELEPORT_CLUSTER' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from login" -s i -l identity -d 'Identity file to use instead of a login. Default: $POSTERN_IDENTITY_FILE, $TELEPORT_IDENTITY_FILE' -r -F
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from login" -l auth -d 'How to log in: "local", or the name of a connector. Default: $POSTERN_AUTH, $TELEPORT_AUTH, else the cluster\'s own' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from login" -l mfa-mode -d 'Which second factor to use; this program can do one-time codes' -r -f -a "auto\t'Whatever the cluster offers and this program can do'
otp\t'One-time codes'"
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from login" -l ttl -d 'How long a login shall hold: 8h, 90m, 1h30m; a bare number is minutes. The cluster may shorten it' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from login" -s f -l format -d 'How to print results; with json and yaml, errors are one JSON object on stderr' -r -f -a "text\t'For people'
json\t'For programs; errors are then one JSON object on stderr'
yaml\t'The same as YAML; errors are JSON, which is YAML too'
names\t'Only the names, one a line ("db ls")'
cmd\t'The command to run, for a shell ("db config")'"
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from login" -s l -l login -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from login" -s k -l add-keys-to-agent -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from login" -s J -l jumphost -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from login" -l cert-format -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from login" -l compat -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from login" -l mlock -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from login" -l piv-slot -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from login" -l relay -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from login" -l trace-exporter -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from login" -l trace-profile -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from login" -l cpu-profile -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from login" -l mem-profile -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from login" -l tunnel -d 'There is always a tunnel; tsh has it'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from login" -l disable-access-request -d 'Access is never requested by itself; tsh has it'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from login" -l insecure -d 'Do not verify the proxy\'s certificate; for tests only'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from login" -l skip-version-check -d 'Do not warn of a cluster whose version may not fit'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from login" -s d -l debug -d 'Say on stderr which settings hold and where they come from, and where something failed'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from login" -l non-interactive -d 'Never prompt and never open a browser (implied without a terminal)'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from login" -l headless -d 'Log in by another device, as tsh can for ssh'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from login" -l use-local-ssh-agent
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from login" -l enable-escape-sequences
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from login" -l os-log
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from login" -l trace
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from login" -l nocache
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from login" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from logout" -l proxy -d 'Proxy of the cluster. Default: $POSTERN_PROXY, $TELEPORT_PROXY, else that of the last login' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from logout" -l user -d 'Teleport user. Default: $POSTERN_USER, $TELEPORT_USER, else as at the last login' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from logout" -s c -l cluster -d 'The cluster that owns the databases: a leaf of the one you are logged in to. Default: $POSTERN_CLUSTER, $TELEPORT_CLUSTER' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from logout" -s i -l identity -d 'Identity file to use instead of a login. Default: $POSTERN_IDENTITY_FILE, $TELEPORT_IDENTITY_FILE' -r -F
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from logout" -l auth -d 'How to log in: "local", or the name of a connector. Default: $POSTERN_AUTH, $TELEPORT_AUTH, else the cluster\'s own' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from logout" -l mfa-mode -d 'Which second factor to use; this program can do one-time codes' -r -f -a "auto\t'Whatever the cluster offers and this program can do'
otp\t'One-time codes'"
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from logout" -l ttl -d 'How long a login shall hold: 8h, 90m, 1h30m; a bare number is minutes. The cluster may shorten it' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from logout" -s f -l format -d 'How to print results; with json and yaml, errors are one JSON object on stderr' -r -f -a "text\t'For people'
json\t'For programs; errors are then one JSON object on stderr'
yaml\t'The same as YAML; errors are JSON, which is YAML too'
names\t'Only the names, one a line ("db ls")'
cmd\t'The command to run, for a shell ("db config")'"
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from logout" -s l -l login -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from logout" -s k -l add-keys-to-agent -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from logout" -s J -l jumphost -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from logout" -l cert-format -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from logout" -l compat -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from logout" -l mlock -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from logout" -l piv-slot -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from logout" -l relay -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from logout" -l trace-exporter -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from logout" -l trace-profile -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from logout" -l cpu-profile -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from logout" -l mem-profile -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from logout" -l insecure -d 'Do not verify the proxy\'s certificate; for tests only'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from logout" -l skip-version-check -d 'Do not warn of a cluster whose version may not fit'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from logout" -s d -l debug -d 'Say on stderr which settings hold and where they come from, and where something failed'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from logout" -l non-interactive -d 'Never prompt and never open a browser (implied without a terminal)'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from logout" -l headless -d 'Log in by another device, as tsh can for ssh'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from logout" -l use-local-ssh-agent
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from logout" -l enable-escape-sequences
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from logout" -l os-log
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from logout" -l trace
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from logout" -l nocache
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from logout" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from env" -l db -d 'The same, as old scripts write it; tsh has it' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from env" -l proxy -d 'Proxy of the cluster. Default: $POSTERN_PROXY, $TELEPORT_PROXY, else that of the last login' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from env" -l user -d 'Teleport user. Default: $POSTERN_USER, $TELEPORT_USER, else as at the last login' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from env" -s c -l cluster -d 'The cluster that owns the databases: a leaf of the one you are logged in to. Default: $POSTERN_CLUSTER, $TELEPORT_CLUSTER' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from env" -s i -l identity -d 'Identity file to use instead of a login. Default: $POSTERN_IDENTITY_FILE, $TELEPORT_IDENTITY_FILE' -r -F
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from env" -l auth -d 'How to log in: "local", or the name of a connector. Default: $POSTERN_AUTH, $TELEPORT_AUTH, else the cluster\'s own' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from env" -l mfa-mode -d 'Which second factor to use; this program can do one-time codes' -r -f -a "auto\t'Whatever the cluster offers and this program can do'
otp\t'One-time codes'"
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from env" -l ttl -d 'How long a login shall hold: 8h, 90m, 1h30m; a bare number is minutes. The cluster may shorten it' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from env" -s f -l format -d 'How to print results; with json and yaml, errors are one JSON object on stderr' -r -f -a "text\t'For people'
json\t'For programs; errors are then one JSON object on stderr'
yaml\t'The same as YAML; errors are JSON, which is YAML too'
names\t'Only the names, one a line ("db ls")'
cmd\t'The command to run, for a shell ("db config")'"
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from env" -s l -l login -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from env" -s k -l add-keys-to-agent -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from env" -s J -l jumphost -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from env" -l cert-format -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from env" -l compat -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from env" -l mlock -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from env" -l piv-slot -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from env" -l relay -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from env" -l trace-exporter -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from env" -l trace-profile -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from env" -l cpu-profile -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from env" -l mem-profile -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from env" -l insecure -d 'Do not verify the proxy\'s certificate; for tests only'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from env" -l skip-version-check -d 'Do not warn of a cluster whose version may not fit'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from env" -s d -l debug -d 'Say on stderr which settings hold and where they come from, and where something failed'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from env" -l non-interactive -d 'Never prompt and never open a browser (implied without a terminal)'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from env" -l headless -d 'Log in by another device, as tsh can for ssh'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from env" -l use-local-ssh-agent
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from env" -l enable-escape-sequences
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from env" -l os-log
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from env" -l trace
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from env" -l nocache
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from env" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from config" -l db -d 'The same, as old scripts write it; tsh has it' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from config" -l proxy -d 'Proxy of the cluster. Default: $POSTERN_PROXY, $TELEPORT_PROXY, else that of the last login' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from config" -l user -d 'Teleport user. Default: $POSTERN_USER, $TELEPORT_USER, else as at the last login' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from config" -s c -l cluster -d 'The cluster that owns the databases: a leaf of the one you are logged in to. Default: $POSTERN_CLUSTER, $TELEPORT_CLUSTER' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from config" -s i -l identity -d 'Identity file to use instead of a login. Default: $POSTERN_IDENTITY_FILE, $TELEPORT_IDENTITY_FILE' -r -F
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from config" -l auth -d 'How to log in: "local", or the name of a connector. Default: $POSTERN_AUTH, $TELEPORT_AUTH, else the cluster\'s own' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from config" -l mfa-mode -d 'Which second factor to use; this program can do one-time codes' -r -f -a "auto\t'Whatever the cluster offers and this program can do'
otp\t'One-time codes'"
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from config" -l ttl -d 'How long a login shall hold: 8h, 90m, 1h30m; a bare number is minutes. The cluster may shorten it' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from config" -s f -l format -d 'How to print results; with json and yaml, errors are one JSON object on stderr' -r -f -a "text\t'For people'
json\t'For programs; errors are then one JSON object on stderr'
yaml\t'The same as YAML; errors are JSON, which is YAML too'
names\t'Only the names, one a line ("db ls")'
cmd\t'The command to run, for a shell ("db config")'"
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from config" -s l -l login -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from config" -s k -l add-keys-to-agent -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from config" -s J -l jumphost -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from config" -l cert-format -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from config" -l compat -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from config" -l mlock -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from config" -l piv-slot -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from config" -l relay -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from config" -l trace-exporter -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from config" -l trace-profile -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from config" -l cpu-profile -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from config" -l mem-profile -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from config" -l insecure -d 'Do not verify the proxy\'s certificate; for tests only'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from config" -l skip-version-check -d 'Do not warn of a cluster whose version may not fit'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from config" -s d -l debug -d 'Say on stderr which settings hold and where they come from, and where something failed'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from config" -l non-interactive -d 'Never prompt and never open a browser (implied without a terminal)'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from config" -l headless -d 'Log in by another device, as tsh can for ssh'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from config" -l use-local-ssh-agent
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from config" -l enable-escape-sequences
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from config" -l os-log
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from config" -l trace
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from config" -l nocache
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from config" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postern -n "__fish_postern_using_subcommand proxy; and not __fish_seen_subcommand_from db" -l proxy -d 'Proxy of the cluster. Default: $POSTERN_PROXY, $TELEPORT_PROXY, else that of the last login' -r
complete -c postern -n "__fish_postern_using_subcommand proxy; and not __fish_seen_subcommand_from db" -l user -d 'Teleport user. Default: $POSTERN_USER, $TELEPORT_USER, else as at the last login' -r
complete -c postern -n "__fish_postern_using_subcommand proxy; and not __fish_seen_subcommand_from db" -s c -l cluster -d 'The cluster that owns the databases: a leaf of the one you are logged in to. Default: $POSTERN_CLUSTER, $TELEPORT_CLUSTER' -r
complete -c postern -n "__fish_postern_using_subcommand proxy; and not __fish_seen_subcommand_from db" -s i -l identity -d 'Identity file to use instead of a login. Default: $POSTERN_IDENTITY_FILE, $TELEPORT_IDENTITY_FILE' -r -F
complete -c postern -n "__fish_postern_using_subcommand proxy; and not __fish_seen_subcommand_from db" -l auth -d 'How to log in: "local", or the name of a connector. Default: $POSTERN_AUTH, $TELEPORT_AUTH, else the cluster\'s own' -r
complete -c postern -n "__fish_postern_using_subcommand proxy; and not __fish_seen_subcommand_from db" -l mfa-mode -d 'Which second factor to use; this program can do one-time codes' -r -f -a "auto\t'Whatever the cluster offers and this program can do'
otp\t'One-time codes'"
complete -c postern -n "__fish_postern_using_subcommand proxy; and not __fish_seen_subcommand_from db" -l ttl -d 'How long a login shall hold: 8h, 90m, 1h30m; a bare number is minutes. The cluster may shorten it' -r
complete -c postern -n "__fish_postern_using_subcommand proxy; and not __fish_seen_subcommand_from db" -s f -l format -d 'How to print results; with json and yaml, errors are one JSON object on stderr' -r -f -a "text\t'For people'
json\t'For programs; errors are then one JSON object on stderr'
yaml\t'The same as YAML; errors are JSON, which is YAML too'
names\t'Only the names, one a line ("db ls")'
cmd\t'The command to run, for a shell ("db config")'"
complete -c postern -n "__fish_postern_using_subcommand proxy; and not __fish_seen_subcommand_from db" -s l -l login -r
complete -c postern -n "__fish_postern_using_subcommand proxy; and not __fish_seen_subcommand_from db" -s k -l add-keys-to-agent -r
complete -c postern -n "__fish_postern_using_subcommand proxy; and not __fish_seen_subcommand_from db" -s J -l jumphost -r
complete -c postern -n "__fish_postern_using_subcommand proxy; and not __fish_seen_subcommand_from db" -l cert-format -r
complete -c postern -n "__fish_postern_using_subcommand proxy; and not __fish_seen_subcommand_from db" -l compat -r
complete -c postern -n "__fish_postern_using_subcommand proxy; and not __fish_seen_subcommand_from db" -l mlock -r
complete -c postern -n "__fish_postern_using_subcommand proxy; and not __fish_seen_subcommand_from db" -l piv-slot -r
complete -c postern -n "__fish_postern_using_subcommand proxy; and not __fish_seen_subcommand_from db" -l relay -r
complete -c postern -n "__fish_postern_using_subcommand proxy; and not __fish_seen_subcommand_from db" -l trace-exporter -r
complete -c postern -n "__fish_postern_using_subcommand proxy; and not __fish_seen_subcommand_from db" -l trace-profile -r
complete -c postern -n "__fish_postern_using_subcommand proxy; and not __fish_seen_subcommand_from db" -l cpu-profile -r
complete -c postern -n "__fish_postern_using_subcommand proxy; and not __fish_seen_subcommand_from db" -l mem-profile -r
complete -c postern -n "__fish_postern_using_subcommand proxy; and not __fish_seen_subcommand_from db" -l insecure -d 'Do not verify the proxy\'s certificate; for tests only'
complete -c postern -n "__fish_postern_using_subcommand proxy; and not __fish_seen_subcommand_from db" -l skip-version-check -d 'Do not warn of a cluster whose version may not fit'
complete -c postern -n "__fish_postern_using_subcommand proxy; and not __fish_seen_subcommand_from db" -s d -l debug -d 'Say on stderr which settings hold and where they come from, and where something failed'
complete -c postern -n "__fish_postern_using_subcommand proxy; and not __fish_seen_subcommand_from db" -l non-interactive -d 'Never prompt and never open a browser (implied without a terminal)'
complete -c postern -n "__fish_postern_using_subcommand proxy; and not __fish_seen_subcommand_from db" -l headless -d 'Log in by another device, as tsh can for ssh'
complete -c postern -n "__fish_postern_using_subcommand proxy; and not __fish_seen_subcommand_from db" -l use-local-ssh-agent
complete -c postern -n "__fish_postern_using_subcommand proxy; and not __fish_seen_subcommand_from db" -l enable-escape-sequences
complete -c postern -n "__fish_postern_using_subcommand proxy; and not __fish_seen_subcommand_from db" -l os-log
complete -c postern -n "__fish_postern_using_subcommand proxy; and not __fish_seen_subcommand_from db" -l trace
complete -c postern -n "__fish_postern_using_subcommand proxy; and not __fish_seen_subcommand_from db" -l nocache
complete -c postern -n "__fish_postern_using_subcommand proxy; and not __fish_seen_subcommand_from db" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postern -n "__fish_postern_using_subcommand proxy; and not __fish_seen_subcommand_from db" -f -a "db" -d 'Open a tunnel for any program on this computer'
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -s u -l db-user -d 'Database user; not needed where users are provisioned automatically' -r
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -s n -l db-name -d 'Database name' -r
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -s r -l db-roles -d 'Database roles for an automatically provisioned user, separated by commas; without it, all you may have' -r
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -l labels -d 'Only databases with these labels, e.g. env=dev,team=a' -r
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -l request-reason -d 'There are no requests that could have a reason; tsh has it' -r
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -l search -d 'Only databases in which every word occurs: in the name, description, labels, protocol or type' -r
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -l query -d 'Only databases for which this expression holds, e.g. \'labels["env"] == "dev"\'' -r
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -s p -l port -d 'Port on 127.0.0.1; without it, any free one' -r
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -l listen -d 'Address of this computer\'s own to listen on, e.g. 127.0.0.1:5432 or [::1]:0; or a socket, unix:PATH, where PATH is its directory or ends in .s.PGSQL.PORT' -r
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -l proxy -d 'Proxy of the cluster. Default: $POSTERN_PROXY, $TELEPORT_PROXY, else that of the last login' -r
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -l user -d 'Teleport user. Default: $POSTERN_USER, $TELEPORT_USER, else as at the last login' -r
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -s c -l cluster -d 'The cluster that owns the databases: a leaf of the one you are logged in to. Default: $POSTERN_CLUSTER, $TELEPORT_CLUSTER' -r
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -s i -l identity -d 'Identity file to use instead of a login. Default: $POSTERN_IDENTITY_FILE, $TELEPORT_IDENTITY_FILE' -r -F
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -l auth -d 'How to log in: "local", or the name of a connector. Default: $POSTERN_AUTH, $TELEPORT_AUTH, else the cluster\'s own' -r
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -l mfa-mode -d 'Which second factor to use; this program can do one-time codes' -r -f -a "auto\t'Whatever the cluster offers and this program can do'
otp\t'One-time codes'"
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -l ttl -d 'How long a login shall hold: 8h, 90m, 1h30m; a bare number is minutes. The cluster may shorten it' -r
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -s f -l format -d 'How to print results; with json and yaml, errors are one JSON object on stderr' -r -f -a "text\t'For people'
json\t'For programs; errors are then one JSON object on stderr'
yaml\t'The same as YAML; errors are JSON, which is YAML too'
names\t'Only the names, one a line ("db ls")'
cmd\t'The command to run, for a shell ("db config")'"
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -s l -l login -r
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -s k -l add-keys-to-agent -r
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -s J -l jumphost -r
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -l cert-format -r
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -l compat -r
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -l mlock -r
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -l piv-slot -r
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -l relay -r
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -l trace-exporter -r
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -l trace-profile -r
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -l cpu-profile -r
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -l mem-profile -r
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -l tunnel -d 'There is always a tunnel; tsh has it'
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -l disable-access-request -d 'Access is never requested by itself; tsh has it'
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -l check -d 'Connect to the database once before saying that the tunnel is ready, and fail when that fails'
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -l stdio -d 'Serve one connection over standard input and output, for a program that starts this command itself; nothing but PostgreSQL\'s bytes is written there'
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -l allow-other-users -d 'Serve other users of this computer too; without it, their connections are refused'
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -l require-password -d 'Ask every client for a random password, printed here; done without being told where the system cannot say whose a connection is'
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -l any-target -d 'Let clients name another user or database than the tunnel\'s; the cluster then decides'
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -l insecure-listen-anywhere -d 'With --listen: allow an address that other computers can reach; what they send goes over the network in clear'
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -l insecure -d 'Do not verify the proxy\'s certificate; for tests only'
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -l skip-version-check -d 'Do not warn of a cluster whose version may not fit'
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -s d -l debug -d 'Say on stderr which settings hold and where they come from, and where something failed'
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -l non-interactive -d 'Never prompt and never open a browser (implied without a terminal)'
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -l headless -d 'Log in by another device, as tsh can for ssh'
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -l use-local-ssh-agent
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -l enable-escape-sequences
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -l os-log
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -l trace
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -l nocache
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postern -n "__fish_postern_using_subcommand env" -l proxy -d 'Proxy of the cluster. Default: $POSTERN_PROXY, $TELEPORT_PROXY, else that of the last login' -r
complete -c postern -n "__fish_postern_using_subcommand env" -l user -d 'Teleport user. Default: $POSTERN_USER, $TELEPORT_USER, else as at the last login' -r
complete -c postern -n "__fish_postern_using_subcommand env" -s c -l cluster -d 'The cluster that owns the databases: a leaf of the one you are logged in to. Default: $POSTERN_CLUSTER, $TELEPORT_CLUSTER' -r
complete -c postern -n "__fish_postern_using_subcommand env" -s i -l identity -d 'Identity file to use instead of a login. Default: $POSTERN_IDENTITY_FILE, $TELEPORT_IDENTITY_FILE' -r -F
complete -c postern -n "__fish_postern_using_subcommand env" -l auth -d 'How to log in: "local", or the name of a connector. Default: $POSTERN_AUTH, $TELEPORT_AUTH, else the cluster\'s own' -r
complete -c postern -n "__fish_postern_using_subcommand env" -l mfa-mode -d 'Which second factor to use; this program can do one-time codes' -r -f -a "auto\t'Whatever the cluster offers and this program can do'
otp\t'One-time codes'"
complete -c postern -n "__fish_postern_using_subcommand env" -l ttl -d 'How long a login shall hold: 8h, 90m, 1h30m; a bare number is minutes. The cluster may shorten it' -r
complete -c postern -n "__fish_postern_using_subcommand env" -s f -l format -d 'How to print results; with json and yaml, errors are one JSON object on stderr' -r -f -a "text\t'For people'
json\t'For programs; errors are then one JSON object on stderr'
yaml\t'The same as YAML; errors are JSON, which is YAML too'
names\t'Only the names, one a line ("db ls")'
cmd\t'The command to run, for a shell ("db config")'"
complete -c postern -n "__fish_postern_using_subcommand env" -s l -l login -r
complete -c postern -n "__fish_postern_using_subcommand env" -s k -l add-keys-to-agent -r
complete -c postern -n "__fish_postern_using_subcommand env" -s J -l jumphost -r
complete -c postern -n "__fish_postern_using_subcommand env" -l cert-format -r
complete -c postern -n "__fish_postern_using_subcommand env" -l compat -r
complete -c postern -n "__fish_postern_using_subcommand env" -l mlock -r
complete -c postern -n "__fish_postern_using_subcommand env" -l piv-slot -r
complete -c postern -n "__fish_postern_using_subcommand env" -l relay -r
complete -c postern -n "__fish_postern_using_subcommand env" -l trace-exporter -r
complete -c postern -n "__fish_postern_using_subcommand env" -l trace-profile -r
complete -c postern -n "__fish_postern_using_subcommand env" -l cpu-profile -r
complete -c postern -n "__fish_postern_using_subcommand env" -l mem-profile -r
complete -c postern -n "__fish_postern_using_subcommand env" -l unset -d 'Print the lines that remove the variables'
complete -c postern -n "__fish_postern_using_subcommand env" -l insecure -d 'Do not verify the proxy\'s certificate; for tests only'
complete -c postern -n "__fish_postern_using_subcommand env" -l skip-version-check -d 'Do not warn of a cluster whose version may not fit'
complete -c postern -n "__fish_postern_using_subcommand env" -s d -l debug -d 'Say on stderr which settings hold and where they come from, and where something failed'
complete -c postern -n "__fish_postern_using_subcommand env" -l non-interactive -d 'Never prompt and never open a browser (implied without a terminal)'
complete -c postern -n "__fish_postern_using_subcommand env" -l headless -d 'Log in by another device, as tsh can for ssh'
complete -c postern -n "__fish_postern_using_subcommand env" -l use-local-ssh-agent
complete -c postern -n "__fish_postern_using_subcommand env" -l enable-escape-sequences
complete -c postern -n "__fish_postern_using_subcommand env" -l os-log
complete -c postern -n "__fish_postern_using_subcommand env" -l trace
complete -c postern -n "__fish_postern_using_subcommand env" -l nocache
complete -c postern -n "__fish_postern_using_subcommand env" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postern -n "__fish_postern_using_subcommand version" -l proxy -d 'Proxy of the cluster. Default: $POSTERN_PROXY, $TELEPORT_PROXY, else that of the last login' -r
complete -c postern -n "__fish_postern_using_subcommand version" -l user -d 'Teleport user. Default: $POSTERN_USER, $TELEPORT_USER, else as at the last login' -r
complete -c postern -n "__fish_postern_using_subcommand version" -s c -l cluster -d 'The cluster that owns the databases: a leaf of the one you are logged in to. Default: $POSTERN_CLUSTER, $TELEPORT_CLUSTER' -r
complete -c postern -n "__fish_postern_using_subcommand version" -s i -l identity -d 'Identity file to use instead of a login. Default: $POSTERN_IDENTITY_FILE, $TELEPORT_IDENTITY_FILE' -r -F
complete -c postern -n "__fish_postern_using_subcommand version" -l auth -d 'How to log in: "local", or the name of a connector. Default: $POSTERN_AUTH, $TELEPORT_AUTH, else the cluster\'s own' -r
complete -c postern -n "__fish_postern_using_subcommand version" -l mfa-mode -d 'Which second factor to use; this program can do one-time codes' -r -f -a "auto\t'Whatever the cluster offers and this program can do'
otp\t'One-time codes'"
complete -c postern -n "__fish_postern_using_subcommand version" -l ttl -d 'How long a login shall hold: 8h, 90m, 1h30m; a bare number is minutes. The cluster may shorten it' -r
complete -c postern -n "__fish_postern_using_subcommand version" -s f -l format -d 'How to print results; with json and yaml, errors are one JSON object on stderr' -r -f -a "text\t'For people'
json\t'For programs; errors are then one JSON object on stderr'
yaml\t'The same as YAML; errors are JSON, which is YAML too'
names\t'Only the names, one a line ("db ls")'
cmd\t'The command to run, for a shell ("db config")'"
complete -c postern -n "__fish_postern_using_subcommand version" -s l -l login -r
complete -c postern -n "__fish_postern_using_subcommand version" -s k -l add-keys-to-agent -r
complete -c postern -n "__fish_postern_using_subcommand version" -s J -l jumphost -r
complete -c postern -n "__fish_postern_using_subcommand version" -l cert-format -r
complete -c postern -n "__fish_postern_using_subcommand version" -l compat -r
complete -c postern -n "__fish_postern_using_subcommand version" -l mlock -r
complete -c postern -n "__fish_postern_using_subcommand version" -l piv-slot -r
complete -c postern -n "__fish_postern_using_subcommand version" -l relay -r
complete -c postern -n "__fish_postern_using_subcommand version" -l trace-exporter -r
complete -c postern -n "__fish_postern_using_subcommand version" -l trace-profile -r
complete -c postern -n "__fish_postern_using_subcommand version" -l cpu-profile -r
complete -c postern -n "__fish_postern_using_subcommand version" -l mem-profile -r
complete -c postern -n "__fish_postern_using_subcommand version" -l client -d 'Nothing but this program\'s version, which is all there is; tsh has it'
complete -c postern -n "__fish_postern_using_subcommand version" -l insecure -d 'Do not verify the proxy\'s certificate; for tests only'
complete -c postern -n "__fish_postern_using_subcommand version" -l skip-version-check -d 'Do not warn of a cluster whose version may not fit'
complete -c postern -n "__fish_postern_using_subcommand version" -s d -l debug -d 'Say on stderr which settings hold and where they come from, and where something failed'
complete -c postern -n "__fish_postern_using_subcommand version" -l non-interactive -d 'Never prompt and never open a browser (implied without a terminal)'
complete -c postern -n "__fish_postern_using_subcommand version" -l headless -d 'Log in by another device, as tsh can for ssh'
complete -c postern -n "__fish_postern_using_subcommand version" -l use-local-ssh-agent
complete -c postern -n "__fish_postern_using_subcommand version" -l enable-escape-sequences
complete -c postern -n "__fish_postern_using_subcommand version" -l os-log
complete -c postern -n "__fish_postern_using_subcommand version" -l trace
complete -c postern -n "__fish_postern_using_subcommand version" -l nocache
complete -c postern -n "__fish_postern_using_subcommand version" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postern -n "__fish_postern_using_subcommand util; and not __fish_seen_subcommand_from completions man probe-key" -l proxy -d 'Proxy of the cluster. Default: $POSTERN_PROXY, $TELEPORT_PROXY, else that of the last login' -r
complete -c postern -n "__fish_postern_using_subcommand util; and not __fish_seen_subcommand_from completions man probe-key" -l user -d 'Teleport user. Default: $POSTERN_USER, $TELEPORT_USER, else as at the last login' -r
complete -c postern -n "__fish_postern_using_subcommand util; and not __fish_seen_subcommand_from completions man probe-key" -s c -l cluster -d 'The cluster that owns the databases: a leaf of the one you are logged in to. Default: $POSTERN_CLUSTER, $TELEPORT_CLUSTER' -r
complete -c postern -n "__fish_postern_using_subcommand util; and not __fish_seen_subcommand_from completions man probe-key" -s i -l identity -d 'Identity file to use instead of a login. Default: $POSTERN_IDENTITY_FILE, $TELEPORT_IDENTITY_FILE' -r -F
complete -c postern -n "__fish_postern_using_subcommand util; and not __fish_seen_subcommand_from completions man probe-key" -l auth -d 'How to log in: "local", or the name of a connector. Default: $POSTERN_AUTH, $TELEPORT_AUTH, else the cluster\'s own' -r
complete -c postern -n "__fish_postern_using_subcommand util; and not __fish_seen_subcommand_from completions man probe-key" -l mfa-mode -d 'Which second factor to use; this program can do one-time codes' -r -f -a "auto\t'Whatever the cluster offers and this program can do'
otp\t'One-time codes'"
complete -c postern -n "__fish_postern_using_subcommand util; and not __fish_seen_subcommand_from completions man probe-key" -l ttl -d 'How long a login shall hold: 8h, 90m, 1h30m; a bare number is minutes. The cluster may shorten it' -r
complete -c postern -n "__fish_postern_using_subcommand util; and not __fish_seen_subcommand_from completions man probe-key" -s f -l format -d 'How to print results; with json and yaml, errors are one JSON object on stderr' -r -f -a "text\t'For people'
json\t'For programs; errors are then one JSON object on stderr'
yaml\t'The same as YAML; errors are JSON, which is YAML too'
names\t'Only the names, one a line ("db ls")'
cmd\t'The command to run, for a shell ("db config")'"
complete -c postern -n "__fish_postern_using_subcommand util; and not __fish_seen_subcommand_from completions man probe-key" -s l -l login -r
complete -c postern -n "__fish_postern_using_subcommand util; and not __fish_seen_subcommand_from completions man probe-key" -s k -l add-keys-to-agent -r
complete -c postern -n "__fish_postern_using_subcommand util; and not __fish_seen_subcommand_from completions man probe-key" -s J -l jumphost -r
complete -c postern -n "__fish_postern_using_subcommand util; and not __fish_seen_subcommand_from completions man probe-key" -l cert-format -r
complete -c postern -n "__fish_postern_using_subcommand util; and not __fish_seen_subcommand_from completions man probe-key" -l compat -r
complete -c postern -n "__fish_postern_using_subcommand util; and not __fish_seen_subcommand_from completions man probe-key" -l mlock -r
complete -c postern -n "__fish_postern_using_subcommand util; and not __fish_seen_subcommand_from completions man probe-key" -l piv-slot -r
complete -c postern -n "__fish_postern_using_subcommand util; and not __fish_seen_subcommand_from completions man probe-key" -l relay -r
complete -c postern -n "__fish_postern_using_subcommand util; and not __fish_seen_subcommand_from completions man probe-key" -l trace-exporter -r
complete -c postern -n "__fish_postern_using_subcommand util; and not __fish_seen_subcommand_from completions man probe-key" -l trace-profile -r
complete -c postern -n "__fish_postern_using_subcommand util; and not __fish_seen_subcommand_from completions man probe-key" -l cpu-profile -r
complete -c postern -n "__fish_postern_using_subcommand util; and not __fish_seen_subcommand_from completions man probe-key" -l mem-profile -r
complete -c postern -n "__fish_postern_using_subcommand util; and not __fish_seen_subcommand_from completions man probe-key" -l insecure -d 'Do not verify the proxy\'s certificate; for tests only'
complete -c postern -n "__fish_postern_using_subcommand util; and not __fish_seen_subcommand_from completions man probe-key" -l skip-version-check -d 'Do not warn of a cluster whose version may not fit'
complete -c postern -n "__fish_postern_using_subcommand util; and not __fish_seen_subcommand_from completions man probe-key" -s d -l debug -d 'Say on stderr which settings hold and where they come from, and where something failed'
complete -c postern -n "__fish_postern_using_subcommand util; and not __fish_seen_subcommand_from completions man probe-key" -l non-interactive -d 'Never prompt and never open a browser (implied without a terminal)'
complete -c postern -n "__fish_postern_using_subcommand util; and not __fish_seen_subcommand_from completions man probe-key" -l headless -d 'Log in by another device, as tsh can for ssh'
complete -c postern -n "__fish_postern_using_subcommand util; and not __fish_seen_subcommand_from completions man probe-key" -l use-local-ssh-agent
complete -c postern -n "__fish_postern_using_subcommand util; and not __fish_seen_subcommand_from completions man probe-key" -l enable-escape-sequences
complete -c postern -n "__fish_postern_using_subcommand util; and not __fish_seen_subcommand_from completions man probe-key" -l os-log
complete -c postern -n "__fish_postern_using_subcommand util; and not __fish_seen_subcommand_from completions man probe-key" -l trace
complete -c postern -n "__fish_postern_using_subcommand util; and not __fish_seen_subcommand_from completions man probe-key" -l nocache
complete -c postern -n "__fish_postern_using_subcommand util; and not __fish_seen_subcommand_from completions man probe-key" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postern -n "__fish_postern_using_subcommand util; and not __fish_seen_subcommand_from completions man probe-key" -f -a "completions" -d 'Print the completion script for a shell'
complete -c postern -n "__fish_postern_using_subcommand util; and not __fish_seen_subcommand_from completions man probe-key" -f -a "man" -d 'Write the manual pages into a directory'
complete -c postern -n "__fish_postern_using_subcommand util; and not __fish_seen_subcommand_from completions man probe-key" -f -a "probe-key" -d 'Print the SHA-256 of a keychain entry, read from a new session; "login" asks for this before it relies on a keychain'
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from completions" -l proxy -d 'Proxy of the cluster. Default: $POSTERN_PROXY, $TELEPORT_PROXY, else that of the last login' -r
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from completions" -l user -d 'Teleport user. Default: $POSTERN_USER, $TELEPORT_USER, else as at the last login' -r
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from completions" -s c -l cluster -d 'The cluster that owns the databases: a leaf of the one you are logged in to. Default: $POSTERN_CLUSTER, $TELEPORT_CLUSTER' -r
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from completions" -s i -l identity -d 'Identity file to use instead of a login. Default: $POSTERN_IDENTITY_FILE, $TELEPORT_IDENTITY_FILE' -r -F
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from completions" -l auth -d 'How to log in: "local", or the name of a connector. Default: $POSTERN_AUTH, $TELEPORT_AUTH, else the cluster\'s own' -r
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from completions" -l mfa-mode -d 'Which second factor to use; this program can do one-time codes' -r -f -a "auto\t'Whatever the cluster offers and this program can do'
otp\t'One-time codes'"
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from completions" -l ttl -d 'How long a login shall hold: 8h, 90m, 1h30m; a bare number is minutes. The cluster may shorten it' -r
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from completions" -s f -l format -d 'How to print results; with json and yaml, errors are one JSON object on stderr' -r -f -a "text\t'For people'
json\t'For programs; errors are then one JSON object on stderr'
yaml\t'The same as YAML; errors are JSON, which is YAML too'
names\t'Only the names, one a line ("db ls")'
cmd\t'The command to run, for a shell ("db config")'"
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from completions" -s l -l login -r
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from completions" -s k -l add-keys-to-agent -r
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from completions" -s J -l jumphost -r
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from completions" -l cert-format -r
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from completions" -l compat -r
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from completions" -l mlock -r
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from completions" -l piv-slot -r
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from completions" -l relay -r
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from completions" -l trace-exporter -r
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from completions" -l trace-profile -r
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from completions" -l cpu-profile -r
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from completions" -l mem-profile -r
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from completions" -l insecure -d 'Do not verify the proxy\'s certificate; for tests only'
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from completions" -l skip-version-check -d 'Do not warn of a cluster whose version may not fit'
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from completions" -s d -l debug -d 'Say on stderr which settings hold and where they come from, and where something failed'
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from completions" -l non-interactive -d 'Never prompt and never open a browser (implied without a terminal)'
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from completions" -l headless -d 'Log in by another device, as tsh can for ssh'
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from completions" -l use-local-ssh-agent
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from completions" -l enable-escape-sequences
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from completions" -l os-log
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from completions" -l trace
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from completions" -l nocache
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from man" -l proxy -d 'Proxy of the cluster. Default: $POSTERN_PROXY, $TELEPORT_PROXY, else that of the last login' -r
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from man" -l user -d 'Teleport user. Default: $POSTERN_USER, $TELEPORT_USER, else as at the last login' -r
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from man" -s c -l cluster -d 'The cluster that owns the databases: a leaf of the one you are logged in to. Default: $POSTERN_CLUSTER, $TELEPORT_CLUSTER' -r
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from man" -s i -l identity -d 'Identity file to use instead of a login. Default: $POSTERN_IDENTITY_FILE, $TELEPORT_IDENTITY_FILE' -r -F
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from man" -l auth -d 'How to log in: "local", or the name of a connector. Default: $POSTERN_AUTH, $TELEPORT_AUTH, else the cluster\'s own' -r
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from man" -l mfa-mode -d 'Which second factor to use; this program can do one-time codes' -r -f -a "auto\t'Whatever the cluster offers and this program can do'
otp\t'One-time codes'"
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from man" -l ttl -d 'How long a login shall hold: 8h, 90m, 1h30m; a bare number is minutes. The cluster may shorten it' -r
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from man" -s f -l format -d 'How to print results; with json and yaml, errors are one JSON object on stderr' -r -f -a "text\t'For people'
json\t'For programs; errors are then one JSON object on stderr'
yaml\t'The same as YAML; errors are JSON, which is YAML too'
names\t'Only the names, one a line ("db ls")'
cmd\t'The command to run, for a shell ("db config")'"
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from man" -s l -l login -r
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from man" -s k -l add-keys-to-agent -r
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from man" -s J -l jumphost -r
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from man" -l cert-format -r
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from man" -l compat -r
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from man" -l mlock -r
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from man" -l piv-slot -r
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from man" -l relay -r
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from man" -l trace-exporter -r
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from man" -l trace-profile -r
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from man" -l cpu-profile -r
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from man" -l mem-profile -r
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from man" -l insecure -d 'Do not verify the proxy\'s certificate; for tests only'
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from man" -l skip-version-check -d 'Do not warn of a cluster whose version may not fit'
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from man" -s d -l debug -d 'Say on stderr which settings hold and where they come from, and where something failed'
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from man" -l non-interactive -d 'Never prompt and never open a browser (implied without a terminal)'
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from man" -l headless -d 'Log in by another device, as tsh can for ssh'
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from man" -l use-local-ssh-agent
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from man" -l enable-escape-sequences
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from man" -l os-log
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from man" -l trace
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from man" -l nocache
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from man" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from probe-key" -l proxy -d 'Proxy of the cluster. Default: $POSTERN_PROXY, $TELEPORT_PROXY, else that of the last login' -r
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from probe-key" -l user -d 'Teleport user. Default: $POSTERN_USER, $TELEPORT_USER, else as at the last login' -r
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from probe-key" -s c -l cluster -d 'The cluster that owns the databases: a leaf of the one you are logged in to. Default: $POSTERN_CLUSTER, $TELEPORT_CLUSTER' -r
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from probe-key" -s i -l identity -d 'Identity file to use instead of a login. Default: $POSTERN_IDENTITY_FILE, $TELEPORT_IDENTITY_FILE' -r -F
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from probe-key" -l auth -d 'How to log in: "local", or the name of a connector. Default: $POSTERN_AUTH, $TELEPORT_AUTH, else the cluster\'s own' -r
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from probe-key" -l mfa-mode -d 'Which second factor to use; this program can do one-time codes' -r -f -a "auto\t'Whatever the cluster offers and this program can do'
otp\t'One-time codes'"
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from probe-key" -l ttl -d 'How long a login shall hold: 8h, 90m, 1h30m; a bare number is minutes. The cluster may shorten it' -r
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from probe-key" -s f -l format -d 'How to print results; with json and yaml, errors are one JSON object on stderr' -r -f -a "text\t'For people'
json\t'For programs; errors are then one JSON object on stderr'
yaml\t'The same as YAML; errors are JSON, which is YAML too'
names\t'Only the names, one a line ("db ls")'
cmd\t'The command to run, for a shell ("db config")'"
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from probe-key" -s l -l login -r
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from probe-key" -s k -l add-keys-to-agent -r
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from probe-key" -s J -l jumphost -r
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from probe-key" -l cert-format -r
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from probe-key" -l compat -r
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from probe-key" -l mlock -r
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from probe-key" -l piv-slot -r
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from probe-key" -l relay -r
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from probe-key" -l trace-exporter -r
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from probe-key" -l trace-profile -r
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from probe-key" -l cpu-profile -r
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from probe-key" -l mem-profile -r
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from probe-key" -l insecure -d 'Do not verify the proxy\'s certificate; for tests only'
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from probe-key" -l skip-version-check -d 'Do not warn of a cluster whose version may not fit'
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from probe-key" -s d -l debug -d 'Say on stderr which settings hold and where they come from, and where something failed'
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from probe-key" -l non-interactive -d 'Never prompt and never open a browser (implied without a terminal)'
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from probe-key" -l headless -d 'Log in by another device, as tsh can for ssh'
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from probe-key" -l use-local-ssh-agent
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from probe-key" -l enable-escape-sequences
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from probe-key" -l os-log
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from probe-key" -l trace
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from probe-key" -l nocache
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from probe-key" -s h -l help -d 'Print help (see more with \'--help\')'
