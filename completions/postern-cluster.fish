# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_postern_cluster_global_optspecs
    string join \n h/help V/version
end

function __fish_postern_cluster_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_postern_cluster_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_postern_cluster_using_subcommand
    set -l cmd (__fish_postern_cluster_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c postern-cluster -n "__fish_postern_cluster_needs_command" -s h -l help -d 'Print help'
complete -c postern-cluster -n "__fish_postern_cluster_needs_command" -s V -l version -d 'Print version'
complete -c postern-cluster -n "__fish_postern_cluster_needs_command" -f -a "start" -d 'Runs a cluster in the foreground, until SIGTERM or Ctrl+C; SIGHUP reads documents and configuration again'
complete -c postern-cluster -n "__fish_postern_cluster_needs_command" -f -a "check" -d 'Checks configuration and documents without starting anything'
complete -c postern-cluster -n "__fish_postern_cluster_needs_command" -f -a "status" -d 'Shows how a running cluster is, and its open sessions'
complete -c postern-cluster -n "__fish_postern_cluster_needs_command" -f -a "reload" -d 'Has a running cluster read configuration, documents and web certificate again'
complete -c postern-cluster -n "__fish_postern_cluster_needs_command" -f -a "users" -d 'Adds, removes and lists users, and sets their passwords'
complete -c postern-cluster -n "__fish_postern_cluster_needs_command" -f -a "tokens" -d 'Makes, lists and removes tokens with which other clusters join this one'
complete -c postern-cluster -n "__fish_postern_cluster_needs_command" -f -a "clusters" -d 'Lists the clusters this one is linked with, and removes leaf clusters'
complete -c postern-cluster -n "__fish_postern_cluster_needs_command" -f -a "locks" -d 'Locks users, roles and devices out, lists and removes locks'
complete -c postern-cluster -n "__fish_postern_cluster_needs_command" -f -a "ca" -d 'Prints what others need to trust the cluster, and rotates its authorities'
complete -c postern-cluster -n "__fish_postern_cluster_needs_command" -f -a "demo" -d 'Runs a cluster with content and a PostgreSQL server in the foreground, until Ctrl+C'
complete -c postern-cluster -n "__fish_postern_cluster_needs_command" -f -a "code" -d 'Prints the current one-time code of a user, for those without an authenticator app'
complete -c postern-cluster -n "__fish_postern_cluster_needs_command" -f -a "util" -d 'Generates completions and manual pages'
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand start" -s c -l config -d 'Reads this configuration' -r -F
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand start" -s h -l help -d 'Print help'
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand check" -s c -l config -d 'Checks this configuration and the documents it names' -r -F
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand check" -l format -d 'Chooses how the result is printed' -r -f -a "text\t'For people'
json\t'JSON, on standard output; the keys are in the manual'"
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand status" -s c -l config -d 'The cluster of this configuration' -r -F
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand status" -l dir -d 'The cluster with this state directory, e.g. that of "demo"; no configuration is read then' -r -F
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand status" -l format -d 'Chooses how the facts are printed' -r -f -a "text\t'For people'
json\t'JSON, on standard output; the keys are in the manual'"
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand reload" -s c -l config -d 'The cluster of this configuration' -r -F
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand reload" -l dir -d 'The cluster with this state directory, e.g. that of "demo"; no configuration is read then' -r -F
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand reload" -s h -l help -d 'Print help'
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand users; and not __fish_seen_subcommand_from add rm ls reset" -s h -l help -d 'Print help'
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand users; and not __fish_seen_subcommand_from add rm ls reset" -f -a "add" -d 'Adds a user, or gives one whom a document describes a password; shows the one-time key as a QR code'
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand users; and not __fish_seen_subcommand_from add rm ls reset" -f -a "rm" -d 'Removes a user with password and one-time key'
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand users; and not __fish_seen_subcommand_from add rm ls reset" -f -a "ls" -d 'Lists users and where they come from'
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand users; and not __fish_seen_subcommand_from add rm ls reset" -f -a "reset" -d 'Gives a user a new password and a new one-time key'
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand users; and __fish_seen_subcommand_from add" -l roles -d 'Roles; not for a user whom a document describes' -r
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand users; and __fish_seen_subcommand_from add" -l traits -d 'Values for templates in roles, e.g. db_roles=reader,writer; may be given several times' -r
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand users; and __fish_seen_subcommand_from add" -s c -l config -d 'The cluster of this configuration' -r -F
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand users; and __fish_seen_subcommand_from add" -l dir -d 'The cluster with this state directory, e.g. that of "demo"; no configuration is read then' -r -F
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand users; and __fish_seen_subcommand_from add" -l format -d 'Chooses how the result is printed' -r -f -a "text\t'For people'
json\t'JSON, on standard output; the keys are in the manual'"
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand users; and __fish_seen_subcommand_from add" -l password-stdin -d 'Reads the password from standard input; asked for on the terminal without this'
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand users; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand users; and __fish_seen_subcommand_from rm" -s c -l config -d 'The cluster of this configuration' -r -F
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand users; and __fish_seen_subcommand_from rm" -l dir -d 'The cluster with this state directory, e.g. that of "demo"; no configuration is read then' -r -F
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand users; and __fish_seen_subcommand_from rm" -s h -l help -d 'Print help'
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand users; and __fish_seen_subcommand_from ls" -s c -l config -d 'The cluster of this configuration' -r -F
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand users; and __fish_seen_subcommand_from ls" -l dir -d 'The cluster with this state directory, e.g. that of "demo"; no configuration is read then' -r -F
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand users; and __fish_seen_subcommand_from ls" -l format -d 'Chooses how the list is printed' -r -f -a "text\t'For people'
json\t'JSON, on standard output; the keys are in the manual'"
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand users; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand users; and __fish_seen_subcommand_from reset" -s c -l config -d 'The cluster of this configuration' -r -F
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand users; and __fish_seen_subcommand_from reset" -l dir -d 'The cluster with this state directory, e.g. that of "demo"; no configuration is read then' -r -F
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand users; and __fish_seen_subcommand_from reset" -l format -d 'Chooses how the result is printed' -r -f -a "text\t'For people'
json\t'JSON, on standard output; the keys are in the manual'"
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand users; and __fish_seen_subcommand_from reset" -l keep-key -d 'Keeps the one-time key, and sets only a new password'
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand users; and __fish_seen_subcommand_from reset" -l password-stdin -d 'Reads the password from standard input; asked for on the terminal without this'
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand users; and __fish_seen_subcommand_from reset" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand tokens; and not __fish_seen_subcommand_from add ls rm" -s h -l help -d 'Print help'
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand tokens; and not __fish_seen_subcommand_from add ls rm" -f -a "add" -d 'Makes a token with which another cluster joins this one as its leaf'
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand tokens; and not __fish_seen_subcommand_from add ls rm" -f -a "ls" -d 'Lists the tokens that are worth something, without their text'
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand tokens; and not __fish_seen_subcommand_from add ls rm" -f -a "rm" -d 'Removes a token'
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand tokens; and __fish_seen_subcommand_from add" -l type -d 'What the token is for' -r -f -a "trusted_cluster\t'For a cluster that becomes a leaf of this one'"
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand tokens; and __fish_seen_subcommand_from add" -l ttl -d 'How long it is worth something, such as 30m or 24h; 30 days at most' -r
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand tokens; and __fish_seen_subcommand_from add" -s c -l config -d 'The cluster of this configuration' -r -F
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand tokens; and __fish_seen_subcommand_from add" -l dir -d 'The cluster with this state directory, e.g. that of "demo"; no configuration is read then' -r -F
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand tokens; and __fish_seen_subcommand_from add" -l format -d 'Chooses how the token is printed' -r -f -a "text\t'For people'
json\t'JSON, on standard output; the keys are in the manual'"
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand tokens; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand tokens; and __fish_seen_subcommand_from ls" -s c -l config -d 'The cluster of this configuration' -r -F
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand tokens; and __fish_seen_subcommand_from ls" -l dir -d 'The cluster with this state directory, e.g. that of "demo"; no configuration is read then' -r -F
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand tokens; and __fish_seen_subcommand_from ls" -l format -d 'Chooses how the list is printed' -r -f -a "text\t'For people'
json\t'JSON, on standard output; the keys are in the manual'"
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand tokens; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand tokens; and __fish_seen_subcommand_from rm" -s c -l config -d 'The cluster of this configuration' -r -F
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand tokens; and __fish_seen_subcommand_from rm" -l dir -d 'The cluster with this state directory, e.g. that of "demo"; no configuration is read then' -r -F
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand tokens; and __fish_seen_subcommand_from rm" -s h -l help -d 'Print help'
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand clusters; and not __fish_seen_subcommand_from ls rm" -s h -l help -d 'Print help'
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand clusters; and not __fish_seen_subcommand_from ls rm" -f -a "ls" -d 'Lists leaf clusters that have joined, and root clusters this one has joined, with their links'
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand clusters; and not __fish_seen_subcommand_from ls rm" -f -a "rm" -d 'Removes a leaf cluster: its link is cut, and it needs a new token to come back'
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand clusters; and __fish_seen_subcommand_from ls" -s c -l config -d 'The cluster of this configuration' -r -F
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand clusters; and __fish_seen_subcommand_from ls" -l dir -d 'The cluster with this state directory, e.g. that of "demo"; no configuration is read then' -r -F
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand clusters; and __fish_seen_subcommand_from ls" -l format -d 'Chooses how the list is printed' -r -f -a "text\t'For people'
json\t'JSON, on standard output; the keys are in the manual'"
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand clusters; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand clusters; and __fish_seen_subcommand_from rm" -s c -l config -d 'The cluster of this configuration' -r -F
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand clusters; and __fish_seen_subcommand_from rm" -l dir -d 'The cluster with this state directory, e.g. that of "demo"; no configuration is read then' -r -F
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand clusters; and __fish_seen_subcommand_from rm" -s h -l help -d 'Print help'
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand locks; and not __fish_seen_subcommand_from add ls rm" -s h -l help -d 'Print help'
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand locks; and not __fish_seen_subcommand_from add ls rm" -f -a "add" -d 'Locks a user, a role or a device: logins and sessions are refused, open sessions are cut at once'
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand locks; and not __fish_seen_subcommand_from add ls rm" -f -a "ls" -d 'Lists locks'
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand locks; and not __fish_seen_subcommand_from add ls rm" -f -a "rm" -d 'Removes a lock'
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand locks; and __fish_seen_subcommand_from add" -l user -d 'A user' -r
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand locks; and __fish_seen_subcommand_from add" -l role -d 'Everybody with a role' -r
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand locks; and __fish_seen_subcommand_from add" -l mfa-device -d 'Sessions that the second factor of this device has opened, by its UUID' -r
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand locks; and __fish_seen_subcommand_from add" -l message -d 'What those concerned are told' -r
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand locks; and __fish_seen_subcommand_from add" -l ttl -d 'Ends the lock after this time, e.g. 8h; it stays until it is removed without this' -r
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand locks; and __fish_seen_subcommand_from add" -s c -l config -d 'The cluster of this configuration' -r -F
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand locks; and __fish_seen_subcommand_from add" -l dir -d 'The cluster with this state directory, e.g. that of "demo"; no configuration is read then' -r -F
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand locks; and __fish_seen_subcommand_from add" -l format -d 'Chooses how the result is printed' -r -f -a "text\t'For people'
json\t'JSON, on standard output; the keys are in the manual'"
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand locks; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand locks; and __fish_seen_subcommand_from ls" -s c -l config -d 'The cluster of this configuration' -r -F
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand locks; and __fish_seen_subcommand_from ls" -l dir -d 'The cluster with this state directory, e.g. that of "demo"; no configuration is read then' -r -F
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand locks; and __fish_seen_subcommand_from ls" -l format -d 'Chooses how the list is printed' -r -f -a "text\t'For people'
json\t'JSON, on standard output; the keys are in the manual'"
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand locks; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand locks; and __fish_seen_subcommand_from rm" -s c -l config -d 'The cluster of this configuration' -r -F
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand locks; and __fish_seen_subcommand_from rm" -l dir -d 'The cluster with this state directory, e.g. that of "demo"; no configuration is read then' -r -F
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand locks; and __fish_seen_subcommand_from rm" -s h -l help -d 'Print help'
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand ca; and not __fish_seen_subcommand_from export ls rotate" -s h -l help -d 'Print help'
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand ca; and not __fish_seen_subcommand_from export ls rotate" -f -a "export" -d 'Prints an authority\'s certificate or public key, never its private key'
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand ca; and not __fish_seen_subcommand_from export ls rotate" -f -a "ls" -d 'Lists the authorities: the phase of their rotation, pins, validity'
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand ca; and not __fish_seen_subcommand_from export ls rotate" -f -a "rotate" -d 'Takes the next step of replacing an authority by a new one'
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand ca; and __fish_seen_subcommand_from export" -l type -d 'Which authority' -r -f -a "db-client\t'Signs the cluster\'s client certificates for databases: what a database server trusts (PEM)'
db\t'Signs certificates of database servers: what the cluster trusts there (PEM)'
tls-host\t'Signs the services of the cluster (PEM)'
tls-user\t'Signs users (PEM)'
web\t'Signs the web certificate, when the cluster makes its own (PEM)'
host\t'Signs SSH hosts: a line of authorized_keys for each key'
user\t'Signs SSH certificates of users: a line of authorized_keys for each key'"
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand ca; and __fish_seen_subcommand_from export" -s c -l config -d 'The cluster of this configuration' -r -F
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand ca; and __fish_seen_subcommand_from export" -l dir -d 'The cluster with this state directory, e.g. that of "demo"; no configuration is read then' -r -F
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand ca; and __fish_seen_subcommand_from export" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand ca; and __fish_seen_subcommand_from ls" -s c -l config -d 'The cluster of this configuration' -r -F
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand ca; and __fish_seen_subcommand_from ls" -l dir -d 'The cluster with this state directory, e.g. that of "demo"; no configuration is read then' -r -F
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand ca; and __fish_seen_subcommand_from ls" -l format -d 'Chooses how the list is printed' -r -f -a "text\t'For people'
json\t'JSON, on standard output; the keys are in the manual'"
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand ca; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand ca; and __fish_seen_subcommand_from rotate" -l kind -d 'Which authority' -r -f -a "host\t'Signs the services of the cluster'
user\t'Signs users and their database certificates'
db\t'Signs certificates of database servers'
db_client\t'Signs the cluster\'s client certificates for databases'"
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand ca; and __fish_seen_subcommand_from rotate" -l phase -d 'The phase that its rotation enters' -r -f -a "init\t'Makes a new authority, which is trusted beside the old one'
update_clients\t'The new one signs users, and the cluster towards databases'
update_servers\t'The new one signs servers too'
standby\t'Ends the rotation: the old one is gone, after a rollback the new one'
rollback\t'The old one signs again; the new one is trusted until "standby"'"
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand ca; and __fish_seen_subcommand_from rotate" -s c -l config -d 'The cluster of this configuration' -r -F
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand ca; and __fish_seen_subcommand_from rotate" -l dir -d 'The cluster with this state directory, e.g. that of "demo"; no configuration is read then' -r -F
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand ca; and __fish_seen_subcommand_from rotate" -l format -d 'Chooses how the result is printed, as by "ca ls"' -r -f -a "text\t'For people'
json\t'JSON, on standard output; the keys are in the manual'"
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand ca; and __fish_seen_subcommand_from rotate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand demo" -l dir -d 'Keeps the cluster\'s state in this directory, made when missing [default: the data directory of the user]' -r -F
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand demo" -l port -d 'Listens on this port of 127.0.0.1; 0 takes any free one' -r
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand demo" -l public-addr -d 'Announces this address to clients instead of localhost' -r
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand demo" -l format -d 'Chooses how the start is reported' -r -f -a "text\t'For people'
json\t'JSON, on standard output; the keys are in the manual'"
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand demo" -l login-burst -d 'Lets one address send this many login requests at once; test suites log in more often than people' -r
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand demo" -l no-second-factor -d 'Asks for a password only'
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand demo" -l no-leaf -d 'Starts no leaf cluster beside the root'
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand demo" -l no-audit -d 'Keeps no record of database sessions; without this it is audit.jsonl in the state directory'
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand demo" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand code" -s h -l help -d 'Print help'
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand util; and not __fish_seen_subcommand_from completions man" -s h -l help -d 'Print help'
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand util; and not __fish_seen_subcommand_from completions man" -f -a "completions" -d 'Prints the completion script for a shell'
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand util; and not __fish_seen_subcommand_from completions man" -f -a "man" -d 'Writes the manual pages into a directory'
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand util; and __fish_seen_subcommand_from completions" -s h -l help -d 'Print help'
complete -c postern-cluster -n "__fish_postern_cluster_using_subcommand util; and __fish_seen_subcommand_from man" -s h -l help -d 'Print help'
