//! Commands with places to fill in: `{host}`, `{port}`, `{user}`, `{database}`; `{{` and `}}` are braces.
//!
//! A place is filled in within one argument, whatever its value holds: no shell reads the result. There is none for a password,
//! as other users of the computer can read arguments.

use thiserror::Error;

/// Why a template is none.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TemplateError {
    /// Nothing to run.
    #[error("the command is empty")]
    Empty,
    /// A brace without its other half.
    #[error("{0:?} has a brace without its other half; {{{{ and }}}} stand for braces")]
    Brace(String),
    /// A name that stands for nothing.
    #[error("{{{0}}} stands for nothing; there are {{host}}, {{port}}, {{user}} and {{database}}")]
    Unknown(String),
    /// A password among the arguments.
    #[error(
        "there is no {{{0}}}: other users of this computer can read arguments; programs find what they need in PGPASSWORD"
    )]
    Secret(String),
}

/// A command whose places are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Vec<Piece>>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Place(Place),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Host,
    Port,
    User,
    Database,
}

/// What is filled in.
#[derive(Clone, Copy, Debug)]
pub struct Values<'a> {
    /// Address of the tunnel.
    pub host: &'a str,
    /// Its port.
    pub port: u16,
    /// Database user.
    pub user: &'a str,
    /// Database name.
    pub database: &'a str,
}

impl Template {
    /// Reads the words of a command, the program first.
    ///
    /// # Errors
    /// [`TemplateError`].
    pub fn parse(words: &[String]) -> Result<Self, TemplateError> {
        if words.first().is_none_or(String::is_empty) {
            return Err(TemplateError::Empty);
        }
        words
            .iter()
            .map(|word| pieces(word))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The words with everything filled in: the program, and its arguments.
    pub fn fill(&self, values: Values<'_>) -> Vec<String> {
        let word = |pieces: &Vec<Piece>| {
            let texts = pieces.iter().map(|piece| match piece {
                Piece::Text(text) => text.clone(),
                Piece::Place(Place::Host) => values.host.to_owned(),
                Piece::Place(Place::Port) => values.port.to_string(),
                Piece::Place(Place::User) => values.user.to_owned(),
                Piece::Place(Place::Database) => values.database.to_owned(),
            });
            texts.collect()
        };
        self.0.iter().map(word).collect()
    }
}

fn pieces(word: &str) -> Result<Vec<Piece>, TemplateError> {
    let broken = || TemplateError::Brace(word.to_owned());
    let (mut pieces, mut text, mut rest) = (Vec::new(), String::new(), word);
    while let Some(at) = rest.find(['{', '}']) {
        text.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        rest = &rest[at + 1..];
        if let Some(behind) = rest.strip_prefix(brace) {
            text.push_str(brace);
            rest = behind;
            continue;
        }
        let (name, behind) = match brace {
            "{" => rest.split_once('}').ok_or_else(broken)?,
            _ => return Err(broken()),
        };
        let place = match name {
            "host" => Place::Host,
            "port" => Place::Port,
            "user" => Place::User,
            "database" => Place::Database,
            "password" | "pass" => return Err(TemplateError::Secret(name.to_owned())),
            _ => return Err(TemplateError::Unknown(name.to_owned())),
        };
        if !text.is_empty() {
            pieces.push(Piece::Text(std::mem::take(&mut text)));
        }
        pieces.push(Piece::Place(place));
        rest = behind;
    }
    text.push_str(rest);
    if !text.is_empty() {
        pieces.push(Piece::Text(text));
    }
    Ok(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(words: &[&str]) -> Result<Vec<String>, TemplateError> {
        let words: Vec<String> = words.iter().map(ToString::to_string).collect();
        let values = Values {
            host: "127.0.0.1",
            port: 5433,
            user: "al ice",
            database: "{host};'$(x)",
        };
        Template::parse(&words).map(|template| template.fill(values))
    }

    #[test]
    fn places_are_filled_in_and_values_stay_what_they_are() {
        assert_eq!(
            filled(&[
                "tool",
                "--url=pg://{user}@{host}:{port}/{database}",
                "{{x}}",
                ""
            ])
            .expect("a template"),
            [
                "tool",
                "--url=pg://al ice@127.0.0.1:5433/{host};'$(x)",
                "{x}",
                ""
            ]
        );
    }

    #[test]
    fn what_is_no_template_is_named() {
        for (words, error) in [
            (&[][..], TemplateError::Empty),
            (&[""], TemplateError::Empty),
            (&["x", "{host"], TemplateError::Brace("{host".into())),
            (&["x", "host}"], TemplateError::Brace("host}".into())),
            (&["x", "{hosts}"], TemplateError::Unknown("hosts".into())),
            (
                &["x", "-p{password}"],
                TemplateError::Secret("password".into()),
            ),
        ] {
            assert_eq!(filled(words), Err(error));
        }
    }
}
