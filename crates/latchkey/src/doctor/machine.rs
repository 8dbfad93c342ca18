//! Checks permissions, disk space and limits of this machine.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use rustix::process::{Resource, getrlimit};

use super::{
    Examined,
    report::{Finding, Report},
};
use crate::{data_dir, descriptors};

/// Most files of data_dir that are checked: there may be many screenshots.
const MAX_FILES: usize = 20_000;

/// Checks the configuration file's permissions: it may contain secrets.
pub(super) fn configuration(examined: &Examined, path: Option<&Path>, report: &mut Report) {
    const CHECK: &str = "configuration";
    let usual = Path::new("latchkey.toml");
    let Some(path) = path.or_else(|| usual.exists().then_some(usual)) else {
        report.add(Finding::ok(CHECK, "no file: all settings are defaults or come from the environment"));
        return;
    };
    let mode = fs::metadata(path).map(|file| file.mode() & 0o777).unwrap_or_default();
    let config = &examined.config;
    let has_secrets = config.database_url.is_some()
        || config.metrics.token.is_some()
        || config.mail.holds_a_password()
        || config.keys.transit.as_ref().is_some_and(|transit| transit.token.is_some());
    let path = path.display();
    report.add(if has_secrets && mode & 0o077 != 0 {
        Finding::fault(
            CHECK,
            format!("{path} contains a secret and is open to others (mode {mode:o})"),
            "Other users of this machine can read the database password or a token.",
            format!(
                "chmod 600 {path}, or move the secret to a file of its own: database_url_file, token_file."
            ),
        )
    } else {
        Finding::ok(CHECK, path.to_string())
    });
}

/// The folder and its content must be accessible to the owner only.
pub(super) fn data_dir(examined: &Examined, report: &mut Report) {
    const CHECK: &str = "data_dir";
    const WHY: &str = "It gives access to accounts: it contains database, keys, escrow and audit, and screenshots show meetings.";
    let folder = &examined.config.data_dir;
    let shown = folder.display();
    if !folder.exists() {
        let found = format!("{shown} does not exist yet: the first start creates it, closed to others");
        report.add(Finding::ok(CHECK, found));
        return;
    }
    if data_dir::check(folder).is_err() {
        let mode = fs::metadata(folder).map(|folder| folder.mode() & 0o777).unwrap_or_default();
        let found = format!("{shown} is open to others (mode {mode:o}), and the server refuses to start");
        report.add(Finding::fault(CHECK, found, WHY, format!("chmod 700 {shown}")));
        return;
    }
    if let Err(error) = writable(folder) {
        report.add(Finding::fault(
            CHECK,
            format!("{shown} is not writable: {error}"),
            "Refreshed grants would not survive a crash, so the server does not start.",
            format!("Make the user that runs latchkey the owner of {shown}, and run doctor as that user."),
        ));
        return;
    }
    let open = open_files(folder);
    report.add(match open.first() {
        None => Finding::ok(CHECK, format!("{shown} is closed to others, and writable")),
        Some(first) => Finding::fault(
            CHECK,
            format!("{} files in {shown} are open to others, the first is {}", open.len(), first.display()),
            WHY,
            format!("chmod -R go= {shown}"),
        ),
    });
}

/// A separate folder for screenshots must be closed to others too: screenshots show meetings.
pub(super) fn screenshots(examined: &Examined, report: &mut Report) {
    const CHECK: &str = "screenshots";
    if examined.config.screenshots_stay_here() {
        report.add(Finding::warning(
            CHECK,
            "they are stored in this server's data_dir",
            "Another server on this database cannot show them, and they are lost with this server's disk.",
            "Set screenshots.folder to a folder that all servers mount, or screenshots.s3.",
        ));
    }
    let Some(folder) = examined.config.screenshots.folder() else { return };
    let shown = folder.display();
    report.add(match data_dir::check_folder("screenshots.folder", folder) {
        Ok(()) => Finding::ok(CHECK, format!("{shown} is closed to others, or created by the first start")),
        Err(_) => Finding::fault(
            CHECK,
            format!("{shown} is open to others, and the server refuses to start"),
            "Screenshots show meetings.",
            format!("chmod 700 {shown}"),
        ),
    });
}

fn writable(folder: &Path) -> std::io::Result<()> {
    let probe = folder.join(format!(".doctor-{}", std::process::id()));
    fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&probe)?;
    fs::remove_file(probe)
}

/// Files and folders that others can access. Links are not followed. A folder that others cannot enter protects its content
/// whatever its modes, so only the top level and open folders count: browser profiles have modes of their own.
fn open_files(folder: &Path) -> Vec<PathBuf> {
    let (mut open, mut folders, mut seen) = (Vec::new(), vec![folder.to_owned()], 0);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            seen += 1;
            if seen > MAX_FILES {
                return open;
            }
            let Ok(metadata) = entry.path().symlink_metadata() else { continue };
            let others = metadata.mode() & 0o077;
            if metadata.is_symlink() || others == 0 {
                continue;
            }
            if metadata.is_dir() {
                folders.push(entry.path());
            } else if metadata.is_file() {
                open.push(entry.path());
            }
        }
    }
    open.sort();
    open
}

/// Checks the space for database, journal and screenshots.
pub(super) fn disk(examined: &Examined, least: u64, report: &mut Report) {
    const CHECK: &str = "disk";
    let folder = &examined.config.data_dir;
    // The nearest existing folder is on the same disk.
    let there = folder.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("."));
    let there = if there.as_os_str().is_empty() { Path::new(".") } else { there };
    let Ok(disk) = rustix::fs::statvfs(there) else {
        report.add(Finding::skipped(CHECK, format!("the disk of {} cannot be queried", folder.display())));
        return;
    };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize) / (1024 * 1024);
    report.add(if free < least {
        Finding::fault(
            CHECK,
            format!("{free} MiB are free in {}, but {least} are required", folder.display()),
            "On a full disk no grant can be refreshed safely, and no token is issued without its record.",
            "Free disk space, move data_dir, or store less: screenshots.keep_days, bots.keep_days, audit.keep_days.",
        )
    } else {
        Finding::ok(CHECK, format!("{free} MiB are free in {}", folder.display()))
    });
}

/// Checks how many files this user's processes may open: the server raises its own limit up to this.
pub(super) fn descriptors(examined: &Examined, report: &mut Report) {
    const CHECK: &str = "descriptors";
    const FIX: &str =
        "LimitNOFILE=65536 in the unit, --ulimit nofile=65536 for a container, or ulimit -Hn 65536.";
    let most = getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX);
    let wanted = examined.config.connections.most.get() as u64;
    let (needed, meant) = (descriptors::MIN_OPEN_FILES, descriptors::RESERVE + wanted);
    report.add(if most < needed {
        let found = format!("a process may open {most} files, but the server needs {needed}");
        Finding::fault(CHECK, found, "The server does not start.", FIX)
    } else if most < meant {
        let found = format!("a process may open {most} files, but connections.most = {wanted} needs {meant}");
        Finding::warning(CHECK, found, "The server accepts fewer connections than configured.", FIX)
    } else {
        Finding::ok(CHECK, format!("a process may open {most} files"))
    });
}
