# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_postern_global_optspecs
    string join \n format= non-interactive h/help V/version
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

complete -c postern -n "__fish_postern_needs_command" -l format -d 'How to print results; with json, errors are one JSON object on stderr' -r -f -a "text\t'For people'
json\t'For programs; errors are then one JSON object on stderr'
names\t'Only the names, one a line ("db ls")'"
complete -c postern -n "__fish_postern_needs_command" -l non-interactive -d 'Never prompt and never open a browser (implied without a terminal)'
complete -c postern -n "__fish_postern_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postern -n "__fish_postern_needs_command" -s V -l version -d 'Print version'
complete -c postern -n "__fish_postern_needs_command" -f -a "login" -d 'Log in to a cluster'
complete -c postern -n "__fish_postern_needs_command" -f -a "logout" -d 'Log out: remove certificates and keys from this computer'
complete -c postern -n "__fish_postern_needs_command" -f -a "status" -d 'Show who is logged in where, and until when'
complete -c postern -n "__fish_postern_needs_command" -f -a "clusters" -d 'List the cluster and the leaf clusters behind it'
complete -c postern -n "__fish_postern_needs_command" -f -a "db" -d 'List databases and connect to them'
complete -c postern -n "__fish_postern_needs_command" -f -a "proxy" -d 'Open a tunnel: "proxy db" is "db proxy", as in tsh'
complete -c postern -n "__fish_postern_needs_command" -f -a "version" -d 'Show the version of this program'
complete -c postern -n "__fish_postern_needs_command" -f -a "util" -d 'Generate completions and manual pages'
complete -c postern -n "__fish_postern_using_subcommand login" -l proxy -d 'Proxy of the cluster; without a port, 443 and 3080 are tried side by side. Default: $POSTERN_PROXY, else the last one' -r
complete -c postern -n "__fish_postern_using_subcommand login" -l user -d 'Teleport user. Default: $POSTERN_USER, else as at the last login; else a terminal is asked, and a script is the user at this computer' -r
complete -c postern -n "__fish_postern_using_subcommand login" -l ttl -d 'How long the login shall hold: 8h, 90m, 1h30m; a bare number is minutes. The cluster may shorten it' -r
complete -c postern -n "__fish_postern_using_subcommand login" -l ca-file -d 'Trust the authorities in this PEM file for the proxy\'s certificate, or that very certificate; remembered' -r -F
complete -c postern -n "__fish_postern_using_subcommand login" -l key-store -d 'Where the private key goes. Default: the keychain if other sessions of this user can read it there, else a file' -r -f -a "file\t'A file that only this user can read'
keychain\t'The keychain of the operating system'"
complete -c postern -n "__fish_postern_using_subcommand login" -l auth -d 'Log in as a local user where the cluster\'s default is something else' -r -f -a "local\t'Password and one-time code'"
complete -c postern -n "__fish_postern_using_subcommand login" -l format -d 'How to print results; with json, errors are one JSON object on stderr' -r -f -a "text\t'For people'
json\t'For programs; errors are then one JSON object on stderr'
names\t'Only the names, one a line ("db ls")'"
complete -c postern -n "__fish_postern_using_subcommand login" -l force -d 'Log in again even though the login is still valid'
complete -c postern -n "__fish_postern_using_subcommand login" -l insecure -d 'Do not verify the proxy\'s certificate; for tests only'
complete -c postern -n "__fish_postern_using_subcommand login" -l password-stdin -d 'Read the password from the first line of standard input, and the one-time code from the second'
complete -c postern -n "__fish_postern_using_subcommand login" -l non-interactive -d 'Never prompt and never open a browser (implied without a terminal)'
complete -c postern -n "__fish_postern_using_subcommand login" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postern -n "__fish_postern_using_subcommand logout" -l proxy -d 'Only the login at this proxy; without it, every login' -r
complete -c postern -n "__fish_postern_using_subcommand logout" -l format -d 'How to print results; with json, errors are one JSON object on stderr' -r -f -a "text\t'For people'
json\t'For programs; errors are then one JSON object on stderr'
names\t'Only the names, one a line ("db ls")'"
complete -c postern -n "__fish_postern_using_subcommand logout" -l non-interactive -d 'Never prompt and never open a browser (implied without a terminal)'
complete -c postern -n "__fish_postern_using_subcommand logout" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postern -n "__fish_postern_using_subcommand status" -l proxy -d 'The login at this proxy instead of the last one' -r
complete -c postern -n "__fish_postern_using_subcommand status" -l format -d 'How to print results; with json, errors are one JSON object on stderr' -r -f -a "text\t'For people'
json\t'For programs; errors are then one JSON object on stderr'
names\t'Only the names, one a line ("db ls")'"
complete -c postern -n "__fish_postern_using_subcommand status" -l non-interactive -d 'Never prompt and never open a browser (implied without a terminal)'
complete -c postern -n "__fish_postern_using_subcommand status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postern -n "__fish_postern_using_subcommand clusters" -l format -d 'How to print results; with json, errors are one JSON object on stderr' -r -f -a "text\t'For people'
json\t'For programs; errors are then one JSON object on stderr'
names\t'Only the names, one a line ("db ls")'"
complete -c postern -n "__fish_postern_using_subcommand clusters" -l non-interactive -d 'Never prompt and never open a browser (implied without a terminal)'
complete -c postern -n "__fish_postern_using_subcommand clusters" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postern -n "__fish_postern_using_subcommand db; and not __fish_seen_subcommand_from ls connect proxy" -l format -d 'How to print results; with json, errors are one JSON object on stderr' -r -f -a "text\t'For people'
json\t'For programs; errors are then one JSON object on stderr'
names\t'Only the names, one a line ("db ls")'"
complete -c postern -n "__fish_postern_using_subcommand db; and not __fish_seen_subcommand_from ls connect proxy" -l non-interactive -d 'Never prompt and never open a browser (implied without a terminal)'
complete -c postern -n "__fish_postern_using_subcommand db; and not __fish_seen_subcommand_from ls connect proxy" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postern -n "__fish_postern_using_subcommand db; and not __fish_seen_subcommand_from ls connect proxy" -f -a "ls" -d 'List databases, with the users and database roles you may have there'
complete -c postern -n "__fish_postern_using_subcommand db; and not __fish_seen_subcommand_from ls connect proxy" -f -a "connect" -d 'Connect to a database with psql'
complete -c postern -n "__fish_postern_using_subcommand db; and not __fish_seen_subcommand_from ls connect proxy" -f -a "proxy" -d 'Open a tunnel for any program on this computer (also "postern proxy db")'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ls" -l search -d 'Only databases in which every word occurs: in the name, description, labels, protocol or type' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ls" -l query -d 'Only databases for which this expression holds, e.g. \'labels["env"] == "dev"\'' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ls" -s c -l cluster -d 'The cluster that owns the databases: a leaf of the one you are logged in to' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ls" -l format -d 'How to print results; with json, errors are one JSON object on stderr' -r -f -a "text\t'For people'
json\t'For programs; errors are then one JSON object on stderr'
names\t'Only the names, one a line ("db ls")'"
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ls" -s v -l verbose -d 'Also protocol, type, address, database roles and names, and the labels of Teleport itself'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ls" -l non-interactive -d 'Never prompt and never open a browser (implied without a terminal)'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from connect" -l db-user -d 'Database user; not needed where users are provisioned automatically' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from connect" -l db-name -d 'Database name' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from connect" -l db-roles -d 'Database roles for an automatically provisioned user, separated by commas; without it, all you may have' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from connect" -l labels -d 'Only databases with these labels, e.g. env=dev,team=a' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from connect" -l search -d 'Only databases in which every word occurs: in the name, description, labels, protocol or type' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from connect" -l query -d 'Only databases for which this expression holds, e.g. \'labels["env"] == "dev"\'' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from connect" -s c -l cluster -d 'The cluster that owns the databases: a leaf of the one you are logged in to' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from connect" -l format -d 'How to print results; with json, errors are one JSON object on stderr' -r -f -a "text\t'For people'
json\t'For programs; errors are then one JSON object on stderr'
names\t'Only the names, one a line ("db ls")'"
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from connect" -l non-interactive -d 'Never prompt and never open a browser (implied without a terminal)'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from connect" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -l db-user -d 'Database user; not needed where users are provisioned automatically' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -l db-name -d 'Database name' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -l db-roles -d 'Database roles for an automatically provisioned user, separated by commas; without it, all you may have' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -l labels -d 'Only databases with these labels, e.g. env=dev,team=a' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -l search -d 'Only databases in which every word occurs: in the name, description, labels, protocol or type' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -l query -d 'Only databases for which this expression holds, e.g. \'labels["env"] == "dev"\'' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -s c -l cluster -d 'The cluster that owns the databases: a leaf of the one you are logged in to' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -s p -l port -d 'Port on 127.0.0.1; without it, any free one' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -l listen -d 'Address of this computer\'s own to listen on, e.g. 127.0.0.1:5432 or [::1]:0' -r
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -l format -d 'How to print results; with json, errors are one JSON object on stderr' -r -f -a "text\t'For people'
json\t'For programs; errors are then one JSON object on stderr'
names\t'Only the names, one a line ("db ls")'"
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -l non-interactive -d 'Never prompt and never open a browser (implied without a terminal)'
complete -c postern -n "__fish_postern_using_subcommand db; and __fish_seen_subcommand_from proxy" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postern -n "__fish_postern_using_subcommand proxy; and not __fish_seen_subcommand_from db" -l format -d 'How to print results; with json, errors are one JSON object on stderr' -r -f -a "text\t'For people'
json\t'For programs; errors are then one JSON object on stderr'
names\t'Only the names, one a line ("db ls")'"
complete -c postern -n "__fish_postern_using_subcommand proxy; and not __fish_seen_subcommand_from db" -l non-interactive -d 'Never prompt and never open a browser (implied without a terminal)'
complete -c postern -n "__fish_postern_using_subcommand proxy; and not __fish_seen_subcommand_from db" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postern -n "__fish_postern_using_subcommand proxy; and not __fish_seen_subcommand_from db" -f -a "db" -d 'Open a tunnel for any program on this computer'
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -l db-user -d 'Database user; not needed where users are provisioned automatically' -r
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -l db-name -d 'Database name' -r
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -l db-roles -d 'Database roles for an automatically provisioned user, separated by commas; without it, all you may have' -r
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -l labels -d 'Only databases with these labels, e.g. env=dev,team=a' -r
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -l search -d 'Only databases in which every word occurs: in the name, description, labels, protocol or type' -r
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -l query -d 'Only databases for which this expression holds, e.g. \'labels["env"] == "dev"\'' -r
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -s c -l cluster -d 'The cluster that owns the databases: a leaf of the one you are logged in to' -r
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -s p -l port -d 'Port on 127.0.0.1; without it, any free one' -r
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -l listen -d 'Address of this computer\'s own to listen on, e.g. 127.0.0.1:5432 or [::1]:0' -r
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -l format -d 'How to print results; with json, errors are one JSON object on stderr' -r -f -a "text\t'For people'
json\t'For programs; errors are then one JSON object on stderr'
names\t'Only the names, one a line ("db ls")'"
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -l non-interactive -d 'Never prompt and never open a browser (implied without a terminal)'
complete -c postern -n "__fish_postern_using_subcommand proxy; and __fish_seen_subcommand_from db" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postern -n "__fish_postern_using_subcommand version" -l format -d 'How to print results; with json, errors are one JSON object on stderr' -r -f -a "text\t'For people'
json\t'For programs; errors are then one JSON object on stderr'
names\t'Only the names, one a line ("db ls")'"
complete -c postern -n "__fish_postern_using_subcommand version" -l non-interactive -d 'Never prompt and never open a browser (implied without a terminal)'
complete -c postern -n "__fish_postern_using_subcommand version" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postern -n "__fish_postern_using_subcommand util; and not __fish_seen_subcommand_from completions man probe-key" -l format -d 'How to print results; with json, errors are one JSON object on stderr' -r -f -a "text\t'For people'
json\t'For programs; errors are then one JSON object on stderr'
names\t'Only the names, one a line ("db ls")'"
complete -c postern -n "__fish_postern_using_subcommand util; and not __fish_seen_subcommand_from completions man probe-key" -l non-interactive -d 'Never prompt and never open a browser (implied without a terminal)'
complete -c postern -n "__fish_postern_using_subcommand util; and not __fish_seen_subcommand_from completions man probe-key" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postern -n "__fish_postern_using_subcommand util; and not __fish_seen_subcommand_from completions man probe-key" -f -a "completions" -d 'Print the completion script for a shell'
complete -c postern -n "__fish_postern_using_subcommand util; and not __fish_seen_subcommand_from completions man probe-key" -f -a "man" -d 'Write the manual pages into a directory'
complete -c postern -n "__fish_postern_using_subcommand util; and not __fish_seen_subcommand_from completions man probe-key" -f -a "probe-key" -d 'Print the SHA-256 of a keychain entry, read from a new session; "login" asks for this before it relies on a keychain'
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from completions" -l format -d 'How to print results; with json, errors are one JSON object on stderr' -r -f -a "text\t'For people'
json\t'For programs; errors are then one JSON object on stderr'
names\t'Only the names, one a line ("db ls")'"
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from completions" -l non-interactive -d 'Never prompt and never open a browser (implied without a terminal)'
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from man" -l format -d 'How to print results; with json, errors are one JSON object on stderr' -r -f -a "text\t'For people'
json\t'For programs; errors are then one JSON object on stderr'
names\t'Only the names, one a line ("db ls")'"
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from man" -l non-interactive -d 'Never prompt and never open a browser (implied without a terminal)'
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from man" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from probe-key" -l format -d 'How to print results; with json, errors are one JSON object on stderr' -r -f -a "text\t'For people'
json\t'For programs; errors are then one JSON object on stderr'
names\t'Only the names, one a line ("db ls")'"
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from probe-key" -l non-interactive -d 'Never prompt and never open a browser (implied without a terminal)'
complete -c postern -n "__fish_postern_using_subcommand util; and __fish_seen_subcommand_from probe-key" -s h -l help -d 'Print help (see more with \'--help\')'
