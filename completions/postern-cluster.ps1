
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
            [CompletionResult]::new('demo', 'demo', [CompletionResultType]::ParameterValue, 'Runs a cluster with content and a PostgreSQL server in the foreground, until Ctrl+C')
            [CompletionResult]::new('code', 'code', [CompletionResultType]::ParameterValue, 'Prints the current one-time code of a user, for those without an authenticator app')
            [CompletionResult]::new('util', 'util', [CompletionResultType]::ParameterValue, 'Generates completions and manual pages')
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
