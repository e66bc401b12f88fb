//! Questions. Each is answered on a thread of its own, so that Ctrl+C ends the question and connections stay alive.

use zeroize::Zeroizing;

use super::Ui;
use crate::cli::error::{CliError, Kind};

/// Something typed that nobody should see. Printed as `****`, wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer(Zeroizing<String>);

impl Answer {
    /// Takes what was typed.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// What was typed, without the line end.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("****")
    }
}

impl Ui {
    /// Asks for a line; an empty answer is asked again.
    ///
    /// # Errors
    /// [`Kind::Usage`] when nobody is there to answer, [`Kind::Interrupted`] on Ctrl+C.
    pub async fn input(&mut self, prompt: &str) -> Result<String, CliError> {
        self.input_or(prompt, None).await
    }

    /// Asks for a line; an empty answer takes `proposal`, when there is one.
    ///
    /// # Errors
    /// As [`Self::input`].
    pub async fn input_or(
        &mut self,
        prompt: &str,
        proposal: Option<String>,
    ) -> Result<String, CliError> {
        let prompt = super::clean(prompt).into_owned();
        self.ask(&prompt.clone(), move || {
            let mut input = dialoguer::Input::<String>::new().with_prompt(prompt);
            if let Some(proposal) = proposal {
                input = input.default(proposal);
            }
            input.interact_text()
        })
        .await
    }

    /// Asks for a line that is not shown.
    ///
    /// # Errors
    /// As [`Self::input`].
    pub async fn password(&mut self, prompt: &str) -> Result<Answer, CliError> {
        let prompt = super::clean(prompt).into_owned();
        let ask = move || {
            dialoguer::Password::new()
                .with_prompt(prompt)
                .report(false)
                .interact()
        };
        self.ask("a password", ask).await.map(Answer::new)
    }

    /// Shows numbered items and asks for one; returns its index.
    ///
    /// # Errors
    /// As [`Self::input`].
    pub async fn choice(&mut self, prompt: &str, items: &[String]) -> Result<usize, CliError> {
        let width = items.len().to_string().len();
        for (i, item) in items.iter().enumerate() {
            let line = format!("  {:>width$}  {}", i + 1, super::clean(item));
            self.write_err(&line);
        }
        let count = items.len();
        let text = super::clean(prompt).into_owned();
        let number = self
            .ask(&text.clone(), move || {
                dialoguer::Input::<usize>::new()
                    .with_prompt(format!("{text} [1-{count}]"))
                    .validate_with(|n: &usize| {
                        if (1..=count).contains(n) {
                            Ok(())
                        } else {
                            Err(format!("a number from 1 to {count}"))
                        }
                    })
                    .interact_text()
            })
            .await?;
        Ok(number - 1)
    }

    /// Asks a question that is answered by yes or no; Enter alone is no.
    ///
    /// # Errors
    /// As [`Self::input`].
    pub async fn confirm(&mut self, prompt: &str) -> Result<bool, CliError> {
        let prompt = format!("{} [y/N]", super::clean(prompt));
        let answer = self
            .ask("a yes or no", move || {
                dialoguer::Input::<String>::new()
                    .with_prompt(prompt)
                    .allow_empty(true)
                    .interact_text()
            })
            .await?;
        let answer = answer.trim().to_ascii_lowercase();
        Ok(matches!(answer.as_str(), "y" | "yes"))
    }

    /// Waits for Enter.
    ///
    /// # Errors
    /// As [`Self::input`].
    pub async fn pause(&mut self, prompt: &str) -> Result<(), CliError> {
        let prompt = super::clean(prompt).into_owned();
        let ask = move || {
            dialoguer::Password::new()
                .with_prompt(prompt)
                .allow_empty_password(true)
                .report(false)
                .interact()
        };
        self.ask("", ask).await.map(drop)
    }

    /// Reads a line from stdin that is not a terminal; `None` at its end. The line end is removed and nothing else.
    ///
    /// # Errors
    /// [`Kind::Failed`] when stdin cannot be read.
    pub fn read_line(&mut self) -> Result<Option<Answer>, CliError> {
        let mut line = Zeroizing::new(String::new());
        match std::io::stdin().read_line(&mut line) {
            Ok(0) => Ok(None),
            Ok(_) => Ok(Some(Answer::new(
                line.trim_end_matches(['\r', '\n']).to_owned(),
            ))),
            Err(error) => Err(CliError::new(
                Kind::Failed,
                format!("cannot read standard input: {error}"),
            )),
        }
    }

    async fn ask<T: Send + 'static>(
        &mut self,
        what: &str,
        question: impl FnOnce() -> dialoguer::Result<T> + Send + 'static,
    ) -> Result<T, CliError> {
        if !self.can_prompt {
            return Err(CliError::new(
                Kind::Usage,
                format!("needs a terminal to ask for {what}"),
            ));
        }
        // A question that is interrupted leaves the terminal without echo; this puts it back.
        let _terminal = Terminal::remember();
        let answer = tokio::task::spawn_blocking(question);
        tokio::select! {
            answer = answer => match answer {
                Ok(Ok(answer)) => Ok(answer),
                Ok(Err(dialoguer::Error::IO(error))) if error.kind() == std::io::ErrorKind::Interrupted => {
                    Err(CliError::interrupted())
                }
                Ok(Err(error)) => Err(CliError::new(Kind::Failed, format!("cannot read the answer: {error}"))),
                Err(error) => Err(CliError::new(Kind::Failed, format!("cannot ask: {error}"))),
            },
            _ = tokio::signal::ctrl_c() => {
                self.write_err("");
                Err(CliError::interrupted())
            }
        }
    }
}

/// The terminal's settings, put back when dropped.
struct Terminal {
    #[cfg(unix)]
    settings: Option<rustix::termios::Termios>,
}

impl Terminal {
    fn remember() -> Self {
        Self {
            #[cfg(unix)]
            settings: rustix::termios::tcgetattr(std::io::stdin()).ok(),
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(settings) = &self.settings {
            // The terminal may be gone by now, and then there is nothing to put back.
            let _ = rustix::termios::tcsetattr(
                std::io::stdin(),
                rustix::termios::OptionalActions::Now,
                settings,
            );
        }
    }
}
