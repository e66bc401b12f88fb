
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'postern' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'postern'
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
        'postern' {
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to print results; with json, errors are one JSON object on stderr')
            [CompletionResult]::new('--non-interactive', '--non-interactive', [CompletionResultType]::ParameterName, 'Never prompt and never open a browser (implied without a terminal)')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('login', 'login', [CompletionResultType]::ParameterValue, 'Log in to a cluster')
            [CompletionResult]::new('logout', 'logout', [CompletionResultType]::ParameterValue, 'Log out: remove certificates and keys from this computer')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Show who is logged in where, and until when')
            [CompletionResult]::new('clusters', 'clusters', [CompletionResultType]::ParameterValue, 'List the cluster and the leaf clusters behind it')
            [CompletionResult]::new('db', 'db', [CompletionResultType]::ParameterValue, 'List databases and connect to them')
            [CompletionResult]::new('proxy', 'proxy', [CompletionResultType]::ParameterValue, 'Open a tunnel: "proxy db" is "db proxy", as in tsh')
            [CompletionResult]::new('version', 'version', [CompletionResultType]::ParameterValue, 'Show the version of this program')
            [CompletionResult]::new('util', 'util', [CompletionResultType]::ParameterValue, 'Generate completions and manual pages')
            break
        }
        'postern;login' {
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Proxy of the cluster; without a port, 443 and 3080 are tried side by side. Default: $POSTERN_PROXY, else the last one')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'Teleport user. Default: $POSTERN_USER, else as at the last login; else a terminal is asked, and a script is the user at this computer')
            [CompletionResult]::new('--ttl', '--ttl', [CompletionResultType]::ParameterName, 'How long the login shall hold: 8h, 90m, 1h30m; a bare number is minutes. The cluster may shorten it')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust the authorities in this PEM file for the proxy''s certificate, or that very certificate; remembered')
            [CompletionResult]::new('--key-store', '--key-store', [CompletionResultType]::ParameterName, 'Where the private key goes. Default: the keychain if other sessions of this user can read it there, else a file')
            [CompletionResult]::new('--auth', '--auth', [CompletionResultType]::ParameterName, 'Log in as a local user where the cluster''s default is something else')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to print results; with json, errors are one JSON object on stderr')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Log in again even though the login is still valid')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Do not verify the proxy''s certificate; for tests only')
            [CompletionResult]::new('--password-stdin', '--password-stdin', [CompletionResultType]::ParameterName, 'Read the password from the first line of standard input, and the one-time code from the second')
            [CompletionResult]::new('--non-interactive', '--non-interactive', [CompletionResultType]::ParameterName, 'Never prompt and never open a browser (implied without a terminal)')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'postern;logout' {
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Only the login at this proxy; without it, every login')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to print results; with json, errors are one JSON object on stderr')
            [CompletionResult]::new('--non-interactive', '--non-interactive', [CompletionResultType]::ParameterName, 'Never prompt and never open a browser (implied without a terminal)')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'postern;status' {
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'The login at this proxy instead of the last one')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to print results; with json, errors are one JSON object on stderr')
            [CompletionResult]::new('--non-interactive', '--non-interactive', [CompletionResultType]::ParameterName, 'Never prompt and never open a browser (implied without a terminal)')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'postern;clusters' {
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to print results; with json, errors are one JSON object on stderr')
            [CompletionResult]::new('--non-interactive', '--non-interactive', [CompletionResultType]::ParameterName, 'Never prompt and never open a browser (implied without a terminal)')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'postern;db' {
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to print results; with json, errors are one JSON object on stderr')
            [CompletionResult]::new('--non-interactive', '--non-interactive', [CompletionResultType]::ParameterName, 'Never prompt and never open a browser (implied without a terminal)')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('ls', 'ls', [CompletionResultType]::ParameterValue, 'List databases, with the users and database roles you may have there')
            [CompletionResult]::new('connect', 'connect', [CompletionResultType]::ParameterValue, 'Connect to a database with psql')
            [CompletionResult]::new('proxy', 'proxy', [CompletionResultType]::ParameterValue, 'Open a tunnel for any program on this computer (also "postern proxy db")')
            break
        }
        'postern;db;ls' {
            [CompletionResult]::new('--search', '--search', [CompletionResultType]::ParameterName, 'Only databases in which every word occurs: in the name, description, labels, protocol or type')
            [CompletionResult]::new('--query', '--query', [CompletionResultType]::ParameterName, 'Only databases for which this expression holds, e.g. ''labels["env"] == "dev"''')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'The cluster that owns the databases: a leaf of the one you are logged in to')
            [CompletionResult]::new('--cluster', '--cluster', [CompletionResultType]::ParameterName, 'The cluster that owns the databases: a leaf of the one you are logged in to')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to print results; with json, errors are one JSON object on stderr')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Also protocol, type, address, database roles and names, and the labels of Teleport itself')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Also protocol, type, address, database roles and names, and the labels of Teleport itself')
            [CompletionResult]::new('--non-interactive', '--non-interactive', [CompletionResultType]::ParameterName, 'Never prompt and never open a browser (implied without a terminal)')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'postern;db;connect' {
            [CompletionResult]::new('--db-user', '--db-user', [CompletionResultType]::ParameterName, 'Database user; not needed where users are provisioned automatically')
            [CompletionResult]::new('--db-name', '--db-name', [CompletionResultType]::ParameterName, 'Database name')
            [CompletionResult]::new('--db-roles', '--db-roles', [CompletionResultType]::ParameterName, 'Database roles for an automatically provisioned user, separated by commas; without it, all you may have')
            [CompletionResult]::new('--labels', '--labels', [CompletionResultType]::ParameterName, 'Only databases with these labels, e.g. env=dev,team=a')
            [CompletionResult]::new('--search', '--search', [CompletionResultType]::ParameterName, 'Only databases in which every word occurs: in the name, description, labels, protocol or type')
            [CompletionResult]::new('--query', '--query', [CompletionResultType]::ParameterName, 'Only databases for which this expression holds, e.g. ''labels["env"] == "dev"''')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'The cluster that owns the databases: a leaf of the one you are logged in to')
            [CompletionResult]::new('--cluster', '--cluster', [CompletionResultType]::ParameterName, 'The cluster that owns the databases: a leaf of the one you are logged in to')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to print results; with json, errors are one JSON object on stderr')
            [CompletionResult]::new('--non-interactive', '--non-interactive', [CompletionResultType]::ParameterName, 'Never prompt and never open a browser (implied without a terminal)')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'postern;db;proxy' {
            [CompletionResult]::new('--db-user', '--db-user', [CompletionResultType]::ParameterName, 'Database user; not needed where users are provisioned automatically')
            [CompletionResult]::new('--db-name', '--db-name', [CompletionResultType]::ParameterName, 'Database name')
            [CompletionResult]::new('--db-roles', '--db-roles', [CompletionResultType]::ParameterName, 'Database roles for an automatically provisioned user, separated by commas; without it, all you may have')
            [CompletionResult]::new('--labels', '--labels', [CompletionResultType]::ParameterName, 'Only databases with these labels, e.g. env=dev,team=a')
            [CompletionResult]::new('--search', '--search', [CompletionResultType]::ParameterName, 'Only databases in which every word occurs: in the name, description, labels, protocol or type')
            [CompletionResult]::new('--query', '--query', [CompletionResultType]::ParameterName, 'Only databases for which this expression holds, e.g. ''labels["env"] == "dev"''')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'The cluster that owns the databases: a leaf of the one you are logged in to')
            [CompletionResult]::new('--cluster', '--cluster', [CompletionResultType]::ParameterName, 'The cluster that owns the databases: a leaf of the one you are logged in to')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Port on 127.0.0.1; without it, any free one')
            [CompletionResult]::new('--port', '--port', [CompletionResultType]::ParameterName, 'Port on 127.0.0.1; without it, any free one')
            [CompletionResult]::new('--listen', '--listen', [CompletionResultType]::ParameterName, 'Address of this computer''s own to listen on, e.g. 127.0.0.1:5432 or [::1]:0')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to print results; with json, errors are one JSON object on stderr')
            [CompletionResult]::new('--non-interactive', '--non-interactive', [CompletionResultType]::ParameterName, 'Never prompt and never open a browser (implied without a terminal)')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'postern;proxy' {
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to print results; with json, errors are one JSON object on stderr')
            [CompletionResult]::new('--non-interactive', '--non-interactive', [CompletionResultType]::ParameterName, 'Never prompt and never open a browser (implied without a terminal)')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('db', 'db', [CompletionResultType]::ParameterValue, 'Open a tunnel for any program on this computer')
            break
        }
        'postern;proxy;db' {
            [CompletionResult]::new('--db-user', '--db-user', [CompletionResultType]::ParameterName, 'Database user; not needed where users are provisioned automatically')
            [CompletionResult]::new('--db-name', '--db-name', [CompletionResultType]::ParameterName, 'Database name')
            [CompletionResult]::new('--db-roles', '--db-roles', [CompletionResultType]::ParameterName, 'Database roles for an automatically provisioned user, separated by commas; without it, all you may have')
            [CompletionResult]::new('--labels', '--labels', [CompletionResultType]::ParameterName, 'Only databases with these labels, e.g. env=dev,team=a')
            [CompletionResult]::new('--search', '--search', [CompletionResultType]::ParameterName, 'Only databases in which every word occurs: in the name, description, labels, protocol or type')
            [CompletionResult]::new('--query', '--query', [CompletionResultType]::ParameterName, 'Only databases for which this expression holds, e.g. ''labels["env"] == "dev"''')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'The cluster that owns the databases: a leaf of the one you are logged in to')
            [CompletionResult]::new('--cluster', '--cluster', [CompletionResultType]::ParameterName, 'The cluster that owns the databases: a leaf of the one you are logged in to')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Port on 127.0.0.1; without it, any free one')
            [CompletionResult]::new('--port', '--port', [CompletionResultType]::ParameterName, 'Port on 127.0.0.1; without it, any free one')
            [CompletionResult]::new('--listen', '--listen', [CompletionResultType]::ParameterName, 'Address of this computer''s own to listen on, e.g. 127.0.0.1:5432 or [::1]:0')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to print results; with json, errors are one JSON object on stderr')
            [CompletionResult]::new('--non-interactive', '--non-interactive', [CompletionResultType]::ParameterName, 'Never prompt and never open a browser (implied without a terminal)')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'postern;version' {
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to print results; with json, errors are one JSON object on stderr')
            [CompletionResult]::new('--non-interactive', '--non-interactive', [CompletionResultType]::ParameterName, 'Never prompt and never open a browser (implied without a terminal)')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'postern;util' {
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to print results; with json, errors are one JSON object on stderr')
            [CompletionResult]::new('--non-interactive', '--non-interactive', [CompletionResultType]::ParameterName, 'Never prompt and never open a browser (implied without a terminal)')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print the completion script for a shell')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Write the manual pages into a directory')
            [CompletionResult]::new('probe-key', 'probe-key', [CompletionResultType]::ParameterValue, 'Print the SHA-256 of a keychain entry, read from a new session; "login" asks for this before it relies on a keychain')
            break
        }
        'postern;util;completions' {
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to print results; with json, errors are one JSON object on stderr')
            [CompletionResult]::new('--non-interactive', '--non-interactive', [CompletionResultType]::ParameterName, 'Never prompt and never open a browser (implied without a terminal)')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'postern;util;man' {
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to print results; with json, errors are one JSON object on stderr')
            [CompletionResult]::new('--non-interactive', '--non-interactive', [CompletionResultType]::ParameterName, 'Never prompt and never open a browser (implied without a terminal)')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'postern;util;probe-key' {
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to print results; with json, errors are one JSON object on stderr')
            [CompletionResult]::new('--non-interactive', '--non-interactive', [CompletionResultType]::ParameterName, 'Never prompt and never open a browser (implied without a terminal)')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
