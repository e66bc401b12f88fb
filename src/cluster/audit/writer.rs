//! The file of the log: a queue of bounded size, a thread that empties it, rotation by size.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use tokio::sync::oneshot;

use super::event::Event;
use super::login::LoginEvent;
use crate::cluster::ui::Report;

/// Bytes of events that may wait, roughly.
const QUEUE: usize = 8 << 20;

/// Events on their way to the file.
pub(super) struct Queue {
    sender: Sender<Work>,
    load: Arc<Load>,
}

/// How full the queue is.
#[derive(Default)]
struct Load {
    bytes: AtomicUsize,
    lost: AtomicU64,
    /// Events that are missing, from the start.
    missing: AtomicU64,
}

/// Something to record.
#[derive(Debug)]
pub(super) enum Entry {
    /// Of a database session.
    Session(Event),
    /// A login.
    Login(Box<LoginEvent>),
}

impl Entry {
    fn weight(&self) -> usize {
        match self {
            Self::Session(event) => event.weight(),
            Self::Login(event) => event.weight(),
        }
    }

    /// The line, its end included.
    fn line(&self) -> Vec<u8> {
        let text = match self {
            Self::Session(event) => serde_json::to_vec(event),
            Self::Login(event) => serde_json::to_vec(event),
        };
        let mut line = text.unwrap_or_default();
        line.push(b'\n');
        line
    }
}

enum Work {
    Event(Entry, usize),
    Flush(oneshot::Sender<()>),
}

impl Queue {
    /// Starts the thread. It ends when the queue is dropped and empty.
    pub(super) fn start(file: Rotating, report: Report) -> io::Result<Self> {
        let (sender, receiver) = channel();
        let load = Arc::new(Load::default());
        let shared = Arc::clone(&load);
        std::thread::Builder::new()
            .name("audit".to_owned())
            .spawn(move || write_all(&receiver, file, &shared, &report))?;
        Ok(Self { sender, load })
    }

    /// Takes an event, or counts it as lost when too much is waiting.
    pub(super) fn put(&self, event: Entry) {
        let weight = event.weight();
        if self.load.bytes.fetch_add(weight, Relaxed) + weight > QUEUE {
            self.load.bytes.fetch_sub(weight, Relaxed);
            self.load.lost.fetch_add(1, Relaxed);
            return;
        }
        // The thread lives as long as the sender.
        let _ = self.sender.send(Work::Event(event, weight));
    }

    /// Events that could not be written, from the start.
    pub(super) fn missing(&self) -> u64 {
        self.load.missing.load(Relaxed) + self.load.lost.load(Relaxed)
    }

    /// Waits until everything before is done with, at most `limit`.
    pub(super) async fn flush(&self, limit: Duration) -> bool {
        let (done, when_done) = oneshot::channel();
        let _ = self.sender.send(Work::Flush(done));
        matches!(tokio::time::timeout(limit, when_done).await, Ok(Ok(())))
    }
}

/// Writes until the queue is dropped. Troubles are reported when they begin, and what they cost when they end.
fn write_all(receiver: &Receiver<Work>, mut file: Rotating, load: &Load, report: &Report) {
    let mut failed: u64 = 0;
    let mut overrun: u64 = 0;
    let path = file.path.display().to_string();
    while let Ok(work) = receiver.recv() {
        match work {
            Work::Event(event, weight) => {
                let line = event.line();
                drop(event);
                load.bytes.fetch_sub(weight, Relaxed);
                match file.write(&line) {
                    Ok(()) if failed > 0 => {
                        report(&format!(
                            "audit log {path}: written again; {failed} events are missing"
                        ));
                        failed = 0;
                    }
                    Ok(()) => {}
                    Err(error) => {
                        if failed == 0 {
                            report(&format!(
                                "audit log {path}: {error}; sessions go on, their events are not recorded"
                            ));
                        }
                        failed += 1;
                        load.missing.fetch_add(1, Relaxed);
                    }
                }
            }
            Work::Flush(done) => {
                // Whoever waited may have given up.
                let _ = done.send(());
            }
        }
        let lost = load.lost.swap(0, Relaxed);
        if lost > 0 && overrun == 0 {
            report(&format!(
                "audit log {path}: the disk is too slow; events are not recorded"
            ));
        }
        overrun += lost;
        load.missing.fetch_add(lost, Relaxed);
        if overrun > 0 && load.bytes.load(Relaxed) == 0 {
            report(&format!(
                "audit log {path}: caught up; {overrun} events are missing"
            ));
            overrun = 0;
        }
    }
}

/// A file that is put aside when it is large: `NAME` becomes `NAME.1`, that `NAME.2`, and the oldest goes.
pub(super) struct Rotating {
    path: PathBuf,
    max_size: u64,
    max_old: usize,
    open: Option<(File, u64)>,
}

impl Rotating {
    pub(super) fn new(path: PathBuf, max_size: u64, max_old: usize) -> Self {
        Self {
            path,
            max_size,
            max_old,
            open: None,
        }
    }

    /// Writes a line whole or not at all. After an error the file is opened anew.
    pub(super) fn write(&mut self, line: &[u8]) -> io::Result<()> {
        let (mut file, mut size) = match self.open.take() {
            Some(open) => open,
            None => open(&self.path)?,
        };
        let added = line.len() as u64;
        if size > 0 && size + added > self.max_size {
            drop(file);
            self.rotate()?;
            (file, size) = open(&self.path)?;
        }
        if let Err(error) = file.write_all(line) {
            // Half a line must not stay. A file that is no plain one cannot be cut, and need not.
            let _ = file.set_len(size);
            return Err(error);
        }
        self.open = Some((file, size + added));
        Ok(())
    }

    fn rotate(&self) -> io::Result<()> {
        if self.max_old == 0 {
            return std::fs::remove_file(&self.path);
        }
        for number in (1..self.max_old).rev() {
            rename(&self.old(number), &self.old(number + 1))?;
        }
        rename(&self.path, &self.old(1))
    }

    fn old(&self, number: usize) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{number}"));
        name.into()
    }
}

/// A file that is missing need not be moved.
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    match std::fs::rename(from, to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Opens for appending, readable by the owner alone, and gives the size. A last line without an end, which a crash of
/// the machine can leave, gets one.
fn open(path: &Path) -> io::Result<(File, u64)> {
    use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
    let mut file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Ok((file, 0));
    }
    if metadata.permissions().mode() & 0o077 != 0 {
        file.set_permissions(PermissionsExt::from_mode(0o600))?;
    }
    let mut size = metadata.len();
    if size > 0 {
        let mut last = [0];
        file.seek(SeekFrom::Start(size - 1))?;
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            file.write_all(b"\n")?;
            size += 1;
        }
    }
    Ok((file, size))
}
