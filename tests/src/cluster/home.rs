//! The directory of a cluster, perhaps on a small disk of its own, and the keeper who
//! removes both however the tests end.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use uuid::Uuid;

use super::programs::Programs;

/// Takes the space that is left.
const BALLAST: &str = "ballast";

/// A small shell waits for the end of its standard input, which comes with the end of the
/// tests, whatever that is. A process is the server if the data directory is where it works:
/// a stale postmaster.pid may name anybody, and its seventh line the shared memory that a
/// killed server has left behind.
const WAIT_AND_REMOVE: &str = r#"
trap '' INT TERM HUP
read -r _ || :
pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null) || pid=
if [ -n "$pid" ] && [ "$(readlink "/proc/$pid/cwd")" = "$1/data" ]; then
    kill -QUIT "$pid"
    while [ "$(readlink "/proc/$pid/cwd")" = "$1/data" ]; do sleep 0.05; done
elif [ -n "$pid" ]; then
    ipcrm -m "$(sed -n '7s/.* //p' "$1/data/postmaster.pid")"
fi
umount -l "$1" 2>/dev/null
rm -rf "$1"
"#;

/// A directory that holds everything of one cluster.
#[derive(Debug)]
pub(super) struct Home {
    path: PathBuf,
    programs: Programs,
    has_disk: bool,
    keeper: Child,
}

impl Home {
    /// A new one; of its own disk of so many MiB, if this process may mount one.
    pub(super) fn create(programs: &Programs, disk: Option<u64>) -> Self {
        // The temporary directory of root may be closed to the server's user.
        let parent = match programs.account() {
            Some(_) => PathBuf::from("/tmp"),
            None => std::env::temp_dir(),
        };
        let mark = Uuid::new_v4().simple().to_string();
        let path = parent.join(format!("renewd-e2e-postgres-{}", &mark[..12]));
        fs::DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .expect("a directory for the cluster");
        let keeper = watch(&path);
        let has_disk = disk.is_some_and(|mebibytes| mount(&path, mebibytes));
        programs.give(&path);
        Self {
            path,
            programs: programs.clone(),
            has_disk,
            keeper,
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn data(&self) -> PathBuf {
        self.path.join("data")
    }

    /// Writes a file that only the server's user may read.
    pub(super) fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path.join(name);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let written = options
            .open(&path)
            .and_then(|mut file| file.write_all(bytes));
        written.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        self.programs.give(&path);
    }

    /// Adds to a file that is there.
    pub(super) fn append(&self, name: &str, text: &str) {
        let path = self.path.join(name);
        let file = OpenOptions::new().append(true).open(&path);
        let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
        written.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }

    pub(super) fn has_disk(&self) -> bool {
        self.has_disk
    }

    /// Takes all space that is left on its own disk.
    pub(super) fn fill(&self) {
        assert!(self.has_disk, "nobody else's disk is filled");
        let mut ballast = fs::File::create(self.path.join(BALLAST)).expect("a ballast");
        for size in [1 << 20, 4096, 1] {
            while ballast.write_all(&vec![0_u8; size]).is_ok() {}
        }
    }

    /// Gives it back.
    pub(super) fn free(&self) {
        fs::remove_file(self.path.join(BALLAST)).expect("the ballast is there");
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        if let Err(error) = self.keeper.wait() {
            println!("{} may be left behind: {error}", self.path.display());
        }
    }
}

fn watch(path: &Path) -> Child {
    Command::new("/bin/sh")
        .args(["-c", WAIT_AND_REMOVE, "keeper"])
        .arg(path)
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // Not for the keeper what the terminal sends to the whole group.
        .process_group(0)
        .spawn()
        .expect("a shell")
}

fn mount(path: &Path, mebibytes: u64) -> bool {
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o"])
        .arg(format!("size={mebibytes}m,mode=0700"))
        .arg("tmpfs")
        .arg(path)
        .stderr(Stdio::null())
        .status();
    mounted.is_ok_and(|status| status.success())
}
