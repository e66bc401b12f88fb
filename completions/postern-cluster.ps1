
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'postern-cluster' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'postern-cluster'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'postern-cluster' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('start', 'start', [CompletionResultType]::ParameterValue, 'Runs a cluster in the foreground, until SIGTERM or Ctrl+C; SIGHUP reads documents and configuration again')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Checks configuration and documents without starting anything')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Shows how a running cluster is, and its open sessions')
            [CompletionResult]::new('reload', 'reload', [CompletionResultType]::ParameterValue, 'Has a running cluster read configuration, documents and web certificate again')
            [CompletionResult]::new('users', 'users', [CompletionResultType]::ParameterValue, 'Adds, removes and lists users, and sets their passwords')
            [CompletionResult]::new('tokens', 'tokens', [CompletionResultType]::ParameterValue, 'Makes, lists and removes tokens with which other clusters join this one')
            [CompletionResult]::new('clusters', 'clusters', [CompletionResultType]::ParameterValue, 'Lists the clusters this one is linked with, and removes leaf clusters')
            [CompletionResult]::new('locks', 'locks', [CompletionResultType]::ParameterValue, 'Locks users, roles and devices out, lists and removes locks')
            [CompletionResult]::new('ca', 'ca', [CompletionResultType]::ParameterValue, 'Prints what others need to trust the cluster, and rotates its authorities')
            [CompletionResult]::new('demo', 'demo', [CompletionResultType]::ParameterValue, 'Runs a cluster with content and a PostgreSQL server in the foreground, until Ctrl+C')
            [CompletionResult]::new('code', 'code', [CompletionResultType]::ParameterValue, 'Prints the current one-time code of a user, for those without an authenticator app')
            [CompletionResult]::new('util', 'util', [CompletionResultType]::ParameterValue, 'Generates completions and manual pages')
            break
        }
        'postern-cluster;start' {
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Reads this configuration')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Reads this configuration')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'postern-cluster;check' {
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Checks this configuration and the documents it names')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Checks this configuration and the documents it names')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Chooses how the result is printed')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'postern-cluster;status' {
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'The cluster of this configuration')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The cluster of this configuration')
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'The cluster with this state directory, e.g. that of "demo"; no configuration is read then')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Chooses how the facts are printed')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'postern-cluster;reload' {
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'The cluster of this configuration')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The cluster of this configuration')
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'The cluster with this state directory, e.g. that of "demo"; no configuration is read then')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'postern-cluster;users' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('add', 'add', [CompletionResultType]::ParameterValue, 'Adds a user, or gives one whom a document describes a password; shows the one-time key as a QR code')
            [CompletionResult]::new('rm', 'rm', [CompletionResultType]::ParameterValue, 'Removes a user with password and one-time key')
            [CompletionResult]::new('ls', 'ls', [CompletionResultType]::ParameterValue, 'Lists users and where they come from')
            [CompletionResult]::new('reset', 'reset', [CompletionResultType]::ParameterValue, 'Gives a user a new password and a new one-time key')
            break
        }
        'postern-cluster;users;add' {
            [CompletionResult]::new('--roles', '--roles', [CompletionResultType]::ParameterName, 'Roles; not for a user whom a document describes')
            [CompletionResult]::new('--traits', '--traits', [CompletionResultType]::ParameterName, 'Values for templates in roles, e.g. db_roles=reader,writer; may be given several times')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'The cluster of this configuration')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The cluster of this configuration')
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'The cluster with this state directory, e.g. that of "demo"; no configuration is read then')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Chooses how the result is printed')
            [CompletionResult]::new('--password-stdin', '--password-stdin', [CompletionResultType]::ParameterName, 'Reads the password from standard input; asked for on the terminal without this')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'postern-cluster;users;rm' {
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'The cluster of this configuration')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The cluster of this configuration')
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'The cluster with this state directory, e.g. that of "demo"; no configuration is read then')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'postern-cluster;users;ls' {
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'The cluster of this configuration')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The cluster of this configuration')
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'The cluster with this state directory, e.g. that of "demo"; no configuration is read then')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Chooses how the list is printed')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'postern-cluster;users;reset' {
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'The cluster of this configuration')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The cluster of this configuration')
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'The cluster with this state directory, e.g. that of "demo"; no configuration is read then')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Chooses how the result is printed')
            [CompletionResult]::new('--keep-key', '--keep-key', [CompletionResultType]::ParameterName, 'Keeps the one-time key, and sets only a new password')
            [CompletionResult]::new('--password-stdin', '--password-stdin', [CompletionResultType]::ParameterName, 'Reads the password from standard input; asked for on the terminal without this')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'postern-cluster;tokens' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('add', 'add', [CompletionResultType]::ParameterValue, 'Makes a token with which another cluster joins this one as its leaf')
            [CompletionResult]::new('ls', 'ls', [CompletionResultType]::ParameterValue, 'Lists the tokens that are worth something, without their text')
            [CompletionResult]::new('rm', 'rm', [CompletionResultType]::ParameterValue, 'Removes a token')
            break
        }
        'postern-cluster;tokens;add' {
            [CompletionResult]::new('--type', '--type', [CompletionResultType]::ParameterName, 'What the token is for')
            [CompletionResult]::new('--ttl', '--ttl', [CompletionResultType]::ParameterName, 'How long it is worth something, such as 30m or 24h; 30 days at most')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'The cluster of this configuration')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The cluster of this configuration')
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'The cluster with this state directory, e.g. that of "demo"; no configuration is read then')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Chooses how the token is printed')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'postern-cluster;tokens;ls' {
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'The cluster of this configuration')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The cluster of this configuration')
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'The cluster with this state directory, e.g. that of "demo"; no configuration is read then')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Chooses how the list is printed')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'postern-cluster;tokens;rm' {
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'The cluster of this configuration')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The cluster of this configuration')
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'The cluster with this state directory, e.g. that of "demo"; no configuration is read then')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'postern-cluster;clusters' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('ls', 'ls', [CompletionResultType]::ParameterValue, 'Lists leaf clusters that have joined, and root clusters this one has joined, with their links')
            [CompletionResult]::new('rm', 'rm', [CompletionResultType]::ParameterValue, 'Removes a leaf cluster: its link is cut, and it needs a new token to come back')
            break
        }
        'postern-cluster;clusters;ls' {
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'The cluster of this configuration')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The cluster of this configuration')
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'The cluster with this state directory, e.g. that of "demo"; no configuration is read then')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Chooses how the list is printed')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'postern-cluster;clusters;rm' {
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'The cluster of this configuration')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The cluster of this configuration')
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'The cluster with this state directory, e.g. that of "demo"; no configuration is read then')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'postern-cluster;locks' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('add', 'add', [CompletionResultType]::ParameterValue, 'Locks a user, a role or a device: logins and sessions are refused, open sessions are cut at once')
            [CompletionResult]::new('ls', 'ls', [CompletionResultType]::ParameterValue, 'Lists locks')
            [CompletionResult]::new('rm', 'rm', [CompletionResultType]::ParameterValue, 'Removes a lock')
            break
        }
        'postern-cluster;locks;add' {
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'A user')
            [CompletionResult]::new('--role', '--role', [CompletionResultType]::ParameterName, 'Everybody with a role')
            [CompletionResult]::new('--mfa-device', '--mfa-device', [CompletionResultType]::ParameterName, 'Sessions that the second factor of this device has opened, by its UUID')
            [CompletionResult]::new('--message', '--message', [CompletionResultType]::ParameterName, 'What those concerned are told')
            [CompletionResult]::new('--ttl', '--ttl', [CompletionResultType]::ParameterName, 'Ends the lock after this time, e.g. 8h; it stays until it is removed without this')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'The cluster of this configuration')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The cluster of this configuration')
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'The cluster with this state directory, e.g. that of "demo"; no configuration is read then')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Chooses how the result is printed')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'postern-cluster;locks;ls' {
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'The cluster of this configuration')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The cluster of this configuration')
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'The cluster with this state directory, e.g. that of "demo"; no configuration is read then')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Chooses how the list is printed')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'postern-cluster;locks;rm' {
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'The cluster of this configuration')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The cluster of this configuration')
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'The cluster with this state directory, e.g. that of "demo"; no configuration is read then')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'postern-cluster;ca' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('export', 'export', [CompletionResultType]::ParameterValue, 'Prints an authority''s certificate or public key, never its private key')
            [CompletionResult]::new('ls', 'ls', [CompletionResultType]::ParameterValue, 'Lists the authorities: the phase of their rotation, pins, validity')
            [CompletionResult]::new('rotate', 'rotate', [CompletionResultType]::ParameterValue, 'Takes the next step of replacing an authority by a new one')
            break
        }
        'postern-cluster;ca;export' {
            [CompletionResult]::new('--type', '--type', [CompletionResultType]::ParameterName, 'Which authority')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'The cluster of this configuration')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The cluster of this configuration')
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'The cluster with this state directory, e.g. that of "demo"; no configuration is read then')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'postern-cluster;ca;ls' {
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'The cluster of this configuration')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The cluster of this configuration')
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'The cluster with this state directory, e.g. that of "demo"; no configuration is read then')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Chooses how the list is printed')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'postern-cluster;ca;rotate' {
            [CompletionResult]::new('--kind', '--kind', [CompletionResultType]::ParameterName, 'Which authority')
            [CompletionResult]::new('--phase', '--phase', [CompletionResultType]::ParameterName, 'The phase that its rotation enters')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'The cluster of this configuration')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The cluster of this configuration')
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'The cluster with this state directory, e.g. that of "demo"; no configuration is read then')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Chooses how the result is printed, as by "ca ls"')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'postern-cluster;demo' {
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'Keeps the cluster''s state in this directory, made when missing [default: the data directory of the user]')
            [CompletionResult]::new('--port', '--port', [CompletionResultType]::ParameterName, 'Listens on this port of 127.0.0.1; 0 takes any free one')
            [CompletionResult]::new('--public-addr', '--public-addr', [CompletionResultType]::ParameterName, 'Announces this address to clients instead of localhost')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Chooses how the start is reported')
            [CompletionResult]::new('--login-burst', '--login-burst', [CompletionResultType]::ParameterName, 'Lets one address send this many login requests at once; test suites log in more often than people')
            [CompletionResult]::new('--no-second-factor', '--no-second-factor', [CompletionResultType]::ParameterName, 'Asks for a password only')
            [CompletionResult]::new('--no-leaf', '--no-leaf', [CompletionResultType]::ParameterName, 'Starts no leaf cluster beside the root')
            [CompletionResult]::new('--no-audit', '--no-audit', [CompletionResultType]::ParameterName, 'Keeps no record of database sessions; without this it is audit.jsonl in the state directory')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'postern-cluster;code' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'postern-cluster;util' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Prints the completion script for a shell')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Writes the manual pages into a directory')
            break
        }
        'postern-cluster;util;completions' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'postern-cluster;util;man' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
