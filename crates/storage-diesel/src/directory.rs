//! Directories that are still there after a power cut.

use std::fs::{DirBuilder, File};
use std::io;
use std::path::Path;

/// Makes a directory and those above it that are missing, for their owner only, and waits until the
/// names of the new ones are on disk. What is written and synced below a directory whose own name is
/// lost is lost with it.
///
/// # Errors
/// Where one of them cannot be made, or its name cannot be synced.
pub fn create_directory(path: &Path) -> io::Result<()> {
    let is_missing = |path: &&Path| !path.as_os_str().is_empty() && !path.is_dir();
    let missing: Vec<&Path> = path.ancestors().take_while(is_missing).collect();
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)?;
    for made in missing {
        let parent = made.parent().filter(|path| !path.as_os_str().is_empty());
        File::open(parent.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn missing_directories_are_made() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a/b/c");
        for _ in 0..2 {
            create_directory(&path).unwrap();
            assert!(path.is_dir());
        }
        fs::write(directory.path().join("file"), "").unwrap();
        create_directory(&directory.path().join("file/d")).unwrap_err();
    }
}
