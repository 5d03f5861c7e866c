//! Where mail goes when it does not go to a server: files in a folder, or memory.
//!
//! The choice between them and SMTP is `engine`'s `Transport`.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::classify::classify;
use crate::outcome::{Failure, Outcome, Stage};
use crate::reply::Reply;
use crate::smtp::Envelope;

/// Characters of a file name made from a Message-ID.
const NAME_MAX: usize = 120;

/// A folder of `.eml` files, one a mail, written whole or not at all.
///
/// Like a maildir: `tmp/` holds what is being written, `new/` what is there. The name of a file is
/// made from the Message-ID, so a mail sent twice is one file.
#[derive(Debug, Clone)]
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// A folder at `root`, made where it is absent.
    pub fn open(root: impl Into<PathBuf>) -> io::Result<Self> {
        let folder = Self { root: root.into() };
        fs::create_dir_all(folder.root.join("tmp"))?;
        fs::create_dir_all(folder.root.join("new"))?;
        Ok(folder)
    }

    /// Writes one mail and gives the file's path. On the disk when this returns (file and name
    /// synced). Blocks: call it off the async threads.
    ///
    /// The envelope stands in front as `X-Envelope-From` and `X-Envelope-To`, which the sent mail
    /// would not have.
    pub fn write(
        &self,
        message_id: &str,
        envelope: &Envelope,
        message: &[u8],
    ) -> io::Result<PathBuf> {
        let name = file_name(message_id);
        let tmp = self.root.join("tmp").join(&name);
        let new = self.root.join("new").join(&name);
        let from = envelope.from.as_ref().map_or("", |from| from.as_str());
        let head = format!("X-Envelope-From: <{from}>\r\nX-Envelope-To: <{}>\r\n", envelope.to);
        let mut file = File::create(&tmp)?;
        file.write_all(head.as_bytes())?;
        file.write_all(message)?;
        file.sync_all()?;
        drop(file);
        fs::rename(&tmp, &new)?;
        sync_folder(&self.root.join("new"))?;
        Ok(new)
    }
}

/// Makes a rename durable; on systems where a folder cannot be opened there is nothing to do.
fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder) {
        Ok(opened) => opened.sync_all(),
        Err(_) => Ok(()),
    }
}

fn file_name(message_id: &str) -> String {
    let kept = message_id.chars().filter_map(|c| match c {
        '<' | '>' => None,
        c if c.is_ascii_alphanumeric() || "-_.@+".contains(c) => Some(c),
        _ => Some('_'),
    });
    let mut name: String = kept.skip_while(|c| *c == '.').take(NAME_MAX).collect();
    if name.is_empty() {
        name.push('_');
    }
    name.push_str(".eml");
    name
}

/// Mails kept in memory: for tests, previews and the demo. Clones share one list.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    kept: Arc<Mutex<Vec<Kept>>>,
    refusals: Arc<Mutex<Vec<(String, Reply)>>>,
}

/// A mail kept in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// From whom to whom.
    pub envelope: Envelope,
    /// The bytes, as they would have been sent (dots not doubled).
    pub message: Vec<u8>,
}

impl Memory {
    /// Keeps one more mail.
    pub fn push(&self, envelope: Envelope, message: Vec<u8>) {
        self.lock().push(Kept { envelope, message });
    }

    /// From now on answers a mail to an address that contains `part` as a server would that says
    /// `reply` to its recipient.
    pub fn refuse(&self, part: &str, reply: Reply) {
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        refusals.push((part.to_owned(), reply));
    }

    /// Keeps one more mail, or refuses it.
    pub fn take_in(&self, envelope: Envelope, message: Vec<u8>) -> Outcome {
        let to = envelope.to.as_str().to_owned();
        let refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, reply)) = refusals.iter().find(|(part, _)| to.contains(part)) {
            let class = classify(Stage::Rcpt, reply);
            let failure = Failure::said(Stage::Rcpt, class, reply.clone());
            let is_transient = reply.is_transient();
            return if is_transient { Outcome::Later(failure) } else { Outcome::Never(failure) };
        }
        drop(refusals);
        self.push(envelope, message);
        Outcome::Sent(Reply { code: 250, enhanced: None, text: "kept".to_owned() })
    }

    /// All mails kept, oldest first.
    pub fn all(&self) -> Vec<Kept> {
        self.lock().clone()
    }

    /// Takes all mails out.
    pub fn take(&self) -> Vec<Kept> {
        std::mem::take(&mut *self.lock())
    }

    /// How many are kept.
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Kept>> {
        // A push cannot leave the list half-changed, so a poisoned lock is still good.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope() -> Envelope {
        Envelope::parse("b@bounce.example.test", "reader@example.test").unwrap()
    }

    #[test]
    fn a_mail_is_one_whole_file_however_often_it_is_written() {
        let temp = tempfile::tempdir().unwrap();
        let folder = Folder::open(temp.path().join("out")).unwrap();
        let first = folder.write("<m1.a@shop.example>", &envelope(), b"Subject: x\r\n\r\nhi\r\n");
        let again = folder.write("m1.a@shop.example", &envelope(), b"Subject: x\r\n\r\nhi\r\n");
        assert_eq!(first.as_ref().unwrap(), again.as_ref().unwrap());
        let other = folder.write("m1.b@shop.example", &envelope(), b"x\r\n").unwrap();
        assert_eq!(fs::read_dir(other.parent().unwrap()).unwrap().count(), 2);
        assert_eq!(fs::read_dir(temp.path().join("out/tmp")).unwrap().count(), 0);
        let text = fs::read_to_string(first.unwrap()).unwrap();
        assert_eq!(
            text,
            "X-Envelope-From: <b@bounce.example.test>\r\nX-Envelope-To: <reader@example.test>\r\n\
             Subject: x\r\n\r\nhi\r\n"
        );
    }

    #[test]
    fn a_message_id_cannot_name_a_file_elsewhere() {
        for (id, name) in [
            ("../../etc/passwd", "_.._etc_passwd.eml"),
            ("<a/b\\c:d@x.test>", "a_b_c_d@x.test.eml"),
            ("...", "_.eml"),
            ("", "_.eml"),
        ] {
            assert_eq!(file_name(id), name);
        }
        assert!(file_name(&"x".repeat(1_000)).len() < 255);
    }

    #[test]
    fn memory_is_shared_by_its_clones() {
        let memory = Memory::default();
        memory.clone().push(envelope(), b"one".to_vec());
        assert_eq!(memory.len(), 1);
        assert_eq!(memory.all()[0].message, b"one");
        assert_eq!(memory.take().len(), 1);
        assert!(memory.is_empty());
    }
}
