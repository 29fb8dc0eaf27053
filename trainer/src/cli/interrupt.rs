//! Handles SIGINT (Ctrl-C), SIGTERM and SIGHUP, so that a command can save its work before it stops.

use std::process::{ExitCode, exit};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use super::output::note;

/// The signals of this process. A command that can be stopped and resumed creates one.
///
/// At first each signal ends the process at once. After [`Interrupts::defer`] a signal is only stored, so that
/// the command can stop by itself. A second Ctrl-C ends the process. A second signal of another kind does not: a
/// closed terminal or a service manager may send two at once. The exit code is 128 plus the signal's number: 130,
/// 143 or 129.
#[derive(Clone)]
pub(super) struct Interrupts {
    at_once: Arc<AtomicBool>,
    /// The number of the last signal; 0 if there was none.
    signal: Arc<AtomicUsize>,
    /// Whether the command knows of the signal, and is stopping.
    noticed: Arc<AtomicBool>,
}

/// How long a command may take to notice a signal. After this time the process ends, and a resumed run repeats
/// what is not on the disk. A command that has noticed the signal may take as long as the disk needs.
const LIMIT: Duration = Duration::from_secs(4);

/// The time between two looks at the signals.
const LOOK: Duration = Duration::from_millis(50);

impl Interrupts {
    /// Handles the signals from now on.
    ///
    /// # Errors
    ///
    /// Returns the operating system's error.
    pub(super) fn new() -> Result<Self> {
        let at_once = Arc::new(AtomicBool::new(true));
        let signal = Arc::new(AtomicUsize::new(0));
        for number in signals() {
            let exits = flag::register_conditional_shutdown(number, 128 + number, at_once.clone());
            let kept = flag::register_usize(number, signal.clone(), usize::try_from(number)?);
            exits.and(kept).context("cannot handle signals such as Ctrl-C")?;
        }
        if signals().contains(&SIGINT) {
            // The handlers run in this order: the first Ctrl-C must not end the process by the flag that it sets.
            let again = Arc::new(AtomicBool::new(false));
            flag::register_conditional_shutdown(SIGINT, 128 + SIGINT, again.clone())
                .and(flag::register(SIGINT, again))
                .context("cannot handle signals such as Ctrl-C")?;
        }
        Ok(Self { at_once, signal, noticed: Arc::new(AtomicBool::new(false)) })
    }

    /// From now on, the first signal is stored until the command asks for it with [`Interrupts::caught`]. If the
    /// command does not ask within seconds, the process ends.
    ///
    /// # Errors
    ///
    /// Returns the operating system's error if no thread can be started.
    pub(super) fn defer(&self) -> Result<()> {
        self.at_once.store(false, Ordering::SeqCst);
        let (signal, noticed) = (self.signal.clone(), self.noticed.clone());
        let watch = move || {
            while signal.load(Ordering::SeqCst) == 0 {
                thread::sleep(LOOK);
            }
            thread::sleep(LIMIT);
            if noticed.load(Ordering::SeqCst) {
                return;
            }
            note("stopped in the middle of a step: --resume continues from what is on the disk");
            exit(128 + signal.load(Ordering::SeqCst) as i32);
        };
        let thread = thread::Builder::new().name("signals".to_string()).stack_size(64 << 10);
        thread.spawn(watch).context("cannot start the thread that waits for signals")?;
        Ok(())
    }

    /// From now on, each signal ends the process at once again. Called when everything is on the disk.
    pub(super) fn at_once(&self) {
        self.at_once.store(true, Ordering::SeqCst);
    }

    /// Returns whether there was a signal, so that the command should stop.
    pub(super) fn caught(&self) -> bool {
        let caught = self.signal.load(Ordering::SeqCst) > 0;
        self.noticed.fetch_or(caught, Ordering::SeqCst);
        caught
    }

    /// Returns the exit code of a command that a signal stopped.
    pub(super) fn exit_code(&self) -> ExitCode {
        ExitCode::from(128 + self.signal.load(Ordering::SeqCst) as u8)
    }
}

/// Returns the signals to handle. A signal that was ignored when the process started stays ignored: `nohup` ignores
/// SIGHUP, and a shell without job control SIGINT for its background jobs.
#[cfg(unix)]
fn signals() -> Vec<i32> {
    use signal_hook::consts::SIGHUP;
    static SIGNALS: LazyLock<Vec<i32>> = LazyLock::new(|| {
        let handled = |signal: &i32| !is_ignored(*signal);
        [SIGINT, SIGTERM, SIGHUP].into_iter().filter(handled).collect()
    });
    SIGNALS.clone()
}

#[cfg(not(unix))]
fn signals() -> Vec<i32> {
    vec![SIGINT, SIGTERM]
}

/// Whether the process was started with `signal` ignored. Only Linux tells without unsafe code.
#[cfg(unix)]
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask >> (signal - 1) & 1 == 1
}

/// Ignores the signal of a file that exceeds `ulimit -f`, which would end the process. Writing then returns an
/// error, as on a full disk.
///
/// # Errors
///
/// Returns the operating system's error.
#[cfg(unix)]
pub(super) fn survive_large_files() -> Result<()> {
    flag::register(signal_hook::consts::signal::SIGXFSZ, Arc::new(AtomicBool::new(false)))
        .context("cannot handle the signal for files that are too large")?;
    Ok(())
}

#[cfg(not(unix))]
pub(super) fn survive_large_files() -> Result<()> {
    Ok(())
}
