//! The segments of one process: the one that is written, and those that the store is behind with.

use std::{
    collections::VecDeque,
    fs, io, mem,
    path::{Path, PathBuf},
};

use model::Environment;

use super::{
    frame::{FRONT, START},
    segment::{EXTENSION, LENGTH, Segment},
};

/// Segments in the folder, of all processes: 256 MB, which is 65 000 batches, of one record or of forty.
const MOST: usize = 64;

#[derive(Debug)]
pub(super) struct Segments {
    folder: PathBuf,
    env: Environment,
    most: usize,
    current: Option<Numbered>,
    /// Those before it, oldest first.
    full: VecDeque<Numbered>,
    /// The number of the next.
    next: u64,
}

/// Numbers grow with each round of each segment: the store is done with all that are lower than the one it is at.
#[derive(Debug)]
pub(super) struct Numbered {
    number: u64,
    segment: Segment,
    /// Whether a write of it failed: what is on the disk then, and what will be, nobody can tell.
    is_spoiled: bool,
}

impl Segments {
    pub(super) fn new(folder: &Path, env: Environment) -> Self {
        Self { folder: folder.to_owned(), env, most: MOST, current: None, full: VecDeque::new(), next: 0 }
    }

    /// With room for so many segments in the folder.
    #[cfg(test)]
    pub(super) fn with_most(self, most: usize) -> Self {
        Self { most, ..self }
    }

    /// Makes the first segment.
    pub(super) fn prepare(&mut self) -> io::Result<()> {
        self.turn(0).map(drop)
    }

    /// Writes an entry, as [`Segment::append`]. Answers with the number of its segment. The store has everything of those
    /// below `needed`.
    pub(super) fn append(&mut self, content: &[u8], needed: u64) -> io::Result<u64> {
        if FRONT + content.len() > LENGTH - START {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let current = match &mut self.current {
            Some(current) if current.segment.has_room(content.len()) => current,
            _ => self.turn(needed)?,
        };
        let number = current.number;
        if let Err(error) = current.segment.append(content) {
            current.is_spoiled = true;
            self.full.extend(self.current.take());
            return Err(error);
        }
        Ok(number)
    }

    /// Goes on in a segment that nobody needs any more, or in a new one.
    pub(super) fn turn(&mut self, needed: u64) -> io::Result<&mut Numbered> {
        self.full.extend(self.current.take());
        let mut next = None;
        while let Some(Numbered { mut segment, is_spoiled, .. }) =
            self.full.pop_front_if(|before| before.number < needed)
        {
            // After a time without the store there are many.
            if next.is_some() || is_spoiled {
                segment.remove()?;
            } else {
                segment.rewind()?;
                next = Some(segment);
            }
        }
        let segment = match next {
            Some(segment) => segment,
            None => self.make()?,
        };
        self.next += 1;
        Ok(self.current.insert(Numbered { number: self.next, segment, is_spoiled: false }))
    }

    fn make(&self) -> io::Result<Segment> {
        let mut there = 0;
        for entry in fs::read_dir(&self.folder)? {
            there += usize::from(entry?.path().extension().is_some_and(|extension| extension == EXTENSION));
        }
        if there >= self.most {
            return Err(io::Error::new(io::ErrorKind::StorageFull, format!("there are {there} segments")));
        }
        // In the order of time, and random: processes share the folder.
        let mark = u64::from_le_bytes(self.env.entropy.bytes());
        Segment::create(&self.folder, &format!("{:020}-{mark:016x}", self.env.now().as_microsecond()))
    }

    /// Takes all of them off the disk.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        let mut all = mem::take(&mut self.full).into_iter().chain(self.current.take());
        all.try_for_each(|numbered| numbered.segment.remove())
    }
}
