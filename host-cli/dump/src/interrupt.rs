//! Ctrl-C and the polite ways to end a program: the first time the process is let go and the files are put in order, the second time at once.

use crate::error::ProgramError;
use pyheap_session::{DebuggerError, SessionError};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Whether a signal has asked to stop, and which.
#[derive(Clone, Debug)]
pub struct Interrupts {
    arrived: Arc<AtomicUsize>,
}

impl Interrupts {
    /// Catches the signals from here on.
    pub fn catch() -> io::Result<Self> {
        let arrived = Arc::new(AtomicUsize::new(0));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            let again = Arc::new(AtomicBool::new(false));
            // In this order: the first one does not end the program.
            flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&again))?;
            flag::register(signal, again)?;
            flag::register_usize(signal, Arc::clone(&arrived), signal as usize)?;
        }
        Ok(Self { arrived })
    }

    /// Fails if a signal has asked to stop.
    pub fn check(&self) -> Result<(), ProgramError> {
        match self.arrived() {
            Some(_) => Err(SessionError::from(DebuggerError::Interrupted).into()),
            None => Ok(()),
        }
    }

    /// The signal that has asked to stop.
    pub fn arrived(&self) -> Option<u8> {
        match self.arrived.load(Ordering::Relaxed) {
            0 => None,
            signal => u8::try_from(signal).ok(),
        }
    }
}
