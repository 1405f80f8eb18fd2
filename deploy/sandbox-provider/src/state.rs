use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;

use crate::book::Book;
use crate::operation::Recorded;

/// The append-only file behind the book: one recorded operation a line, as JSON.
#[derive(Debug)]
pub(crate) struct StateFile(File);

impl StateFile {
    /// Opens or creates the file and reads the book back from it. A last line without an end was cut off by a crash, so
    /// nobody was answered: it is dropped.
    pub(crate) fn open(path: &Path) -> anyhow::Result<(Self, Book)> {
        let text = match std::fs::read_to_string(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            read => read.with_context(|| format!("cannot read {}", path.display()))?,
        };
        let whole_bytes = text.rfind('\n').map_or(0, |end| end + 1);
        let mut book = Book::default();
        for (index, line) in text[..whole_bytes].lines().enumerate() {
            let recorded: Recorded = serde_json::from_str(line)
                .with_context(|| format!("line {} of {} is not an operation", index + 1, path.display()))?;
            book.enter(recorded);
        }
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        file.set_len(whole_bytes as u64)?;
        Ok((Self(file), book))
    }

    /// Appends an operation. Written, not synced: this outlives the process, not the machine.
    pub(crate) fn append(&mut self, recorded: &Recorded) -> std::io::Result<()> {
        let mut line = serde_json::to_vec(recorded)?;
        line.push(b'\n');
        self.0.write_all(&line)
    }
}
