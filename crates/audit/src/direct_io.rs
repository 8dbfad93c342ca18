//! What is written to a segment, and how it gets to the disk.

use std::{
    fs::File,
    io,
    os::unix::fs::{FileExt as _, OpenOptionsExt as _},
    path::Path,
};

use rustix::fs::OFlags;

use super::frame::BLOCK;

/// Whole blocks, which begin in memory where a block can: only such does a disk take without the kernel's copying them first.
#[derive(Debug)]
pub(super) struct AlignedBuffer {
    memory: Vec<u8>,
    start: usize,
}

impl AlignedBuffer {
    /// Room for so many bytes. They are zero, and so is what is left of the last block.
    pub(super) fn blank(length: usize) -> Self {
        let memory = vec![0; length.next_multiple_of(BLOCK) + BLOCK];
        let start = memory.as_ptr().align_offset(BLOCK).min(BLOCK);
        Self { memory, start }
    }

    pub(super) fn bytes(&mut self) -> &mut [u8] {
        let whole = self.memory.len() - BLOCK;
        &mut self.memory[self.start..][..whole]
    }
}

/// A file of fixed length, as it is written: what was written is on the disk.
#[derive(Debug)]
pub(super) struct DirectFile(File);

impl DirectFile {
    /// Opens a file and writes its first blocks.
    ///
    /// Past the kernel's cache: a write takes half the processor then, and two thirds of the time. Not every file system
    /// can do that; some say so only when something is written.
    pub(super) fn open(path: &Path, first: &mut AlignedBuffer) -> io::Result<Self> {
        let mut begun = |flags: OFlags| {
            let flags = i32::try_from(flags.bits()).expect("flags of open(2) are an int");
            let direct = Self(File::options().write(true).custom_flags(flags).open(path)?);
            direct.write(first, 0)?;
            io::Result::Ok(direct)
        };
        match begun(OFlags::DSYNC | OFlags::DIRECT) {
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => begun(OFlags::DSYNC),
            done => done,
        }
    }

    /// When this returns, it survives a power cut.
    pub(super) fn write(&self, buffer: &mut AlignedBuffer, at: usize) -> io::Result<()> {
        self.0.write_all_at(buffer.bytes(), at as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_whole_blocks_at_the_place_of_one() {
        for length in [1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK] {
            let mut buffer = AlignedBuffer::blank(length);
            let bytes = buffer.bytes();
            assert_eq!(bytes.len(), length.next_multiple_of(BLOCK));
            assert!(bytes.as_ptr().addr().is_multiple_of(BLOCK), "{length}");
            assert!(bytes.iter().all(|byte| *byte == 0));
        }
    }
}
