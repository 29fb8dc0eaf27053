//! Shared by the fuzz targets: an allocator that counts bytes, and files for readers that take a path.

mod allocation;

use std::cell::RefCell;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use tempfile::NamedTempFile;

pub use allocation::bounded;

/// Calls `read` with the path of a file that has these bytes and this extension, such as `.npy`.
pub fn with_file(extension: &str, bytes: &[u8], read: impl FnOnce(&Path)) {
    thread_local! {
        static FILE: RefCell<Option<NamedTempFile>> = const { RefCell::new(None) };
    }
    FILE.with_borrow_mut(|file| {
        // One file for all inputs of a process. On Linux it is in memory.
        let file = file.get_or_insert_with(|| {
            let memory = Path::new("/dev/shm");
            let folder = if memory.is_dir() { memory.to_path_buf() } else { std::env::temp_dir() };
            let mut builder = tempfile::Builder::new();
            builder.prefix("flowlet-fuzz-").suffix(extension);
            builder.tempfile_in(folder).expect("a temporary file")
        });
        let written = file
            .as_file_mut()
            .set_len(0)
            .and_then(|()| file.seek(SeekFrom::Start(0)))
            .and_then(|_| file.write_all(bytes));
        written.expect("a temporary file can be written to");
        read(file.path());
    });
}
