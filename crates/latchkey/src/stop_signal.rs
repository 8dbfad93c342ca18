//! When to stop: at a signal, or at the end of standard input. A further signal ends the process at once.

use std::{
    io::{self, Read as _},
    pin::pin,
    process, thread,
};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::oneshot,
};

/// Ways to stop a role, in addition to signals.
#[derive(Clone, Copy, Default, clap::Args)]
pub(crate) struct StopArguments {
    /// Stop when standard input ends, so that the process never outlives the one that started it.
    #[arg(long)]
    stop_with_stdin: bool,
}

/// Receives signals from its creation on. Create it before a role reports that it is ready, so that no signal is missed.
pub(crate) struct StopSignal {
    arguments: StopArguments,
    interrupt: Signal,
    terminate: Signal,
}

impl StopSignal {
    pub(crate) fn listen(arguments: StopArguments) -> io::Result<Self> {
        let (interrupt, terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        Ok(Self { arguments, interrupt, terminate })
    }

    /// Resolves when the process must stop. From then on, a further signal exits at once.
    pub(crate) async fn asked(mut self) {
        self.first().await;
        self.exit_at_the_next();
    }

    /// Resolves when the process must stop.
    pub(crate) async fn first(&mut self) {
        tokio::select! {
            () = self.signalled() => {}
            () = end_of_stdin(), if self.arguments.stop_with_stdin => {}
        }
    }

    /// From now on, a further signal exits at once.
    pub(crate) fn exit_at_the_next(mut self) {
        tracing::info!("stopping; a further signal stops at once");
        #[expect(
            clippy::disallowed_methods,
            reason = "it must end the process even while a tracker waits for its tasks"
        )]
        tokio::spawn(async move {
            self.signalled().await;
            process::exit(130);
        });
    }

    /// Waits until bots are handed over, which takes some seconds. A second signal has no effect; the next one exits at
    /// once.
    /// `signals` is the number of signals received so far.
    pub(crate) async fn while_handing_over(mut self, signals: u32, handing: impl Future<Output = ()>) {
        let mut handing = pin!(handing);
        if signals < 2 {
            tokio::select! {
                () = &mut handing => return self.exit_at_the_next(),
                () = self.signalled() => {}
            }
            tracing::info!("handing over bots");
        }
        self.exit_at_the_next();
        handing.await;
    }

    /// Resolves at the next signal.
    pub(crate) async fn signalled(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Reads on a thread of its own: at shutdown the runtime would wait for its own blocking threads, but this one reads until
/// the other end is closed.
async fn end_of_stdin() {
    let (ended, end) = oneshot::channel();
    let reading = thread::Builder::new().name("stdin".into()).spawn(move || {
        let mut buffer = [0; 64];
        while io::stdin().read(&mut buffer).is_ok_and(|read| read > 0) {}
        let _nobody_waits = ended.send(());
    });
    match reading {
        Ok(_) => _ = end.await,
        Err(error) => {
            tracing::warn!(error = %model::chain(&error), "cannot read standard input: only signals stop this process");
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::{
        pin::pin,
        sync::{Mutex, PoisonError},
        task::{Context, Waker},
    };

    use rustix::process::{getpid, kill_process};

    use super::*;

    /// Runs a test that sends signals to its own process. Only one such test runs at a time, and afterwards nothing listens
    /// for signals.
    pub(crate) fn with_signals(test: impl AsyncFnOnce(&mut Sender)) {
        static ALONE: Mutex<()> = Mutex::new(());
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { test(&mut Sender(signal(SignalKind::terminate()).unwrap())).await });
    }

    /// Sends signals, and receives them as well.
    pub(crate) struct Sender(Signal);

    impl Sender {
        /// Sends SIGTERM. When it returns, every listener has received it.
        pub(crate) async fn terminate(&mut self) {
            kill_process(getpid(), rustix::process::Signal::TERM).unwrap();
            self.0.recv().await.unwrap();
        }
    }

    #[test]
    fn a_second_signal_does_not_interrupt_a_hand_over() {
        with_signals(async |sender| {
            let mut stop = StopSignal::listen(StopArguments::default()).unwrap();
            sender.terminate().await;
            stop.first().await;
            let (done, is_done) = oneshot::channel::<()>();
            let mut over = pin!(stop.while_handing_over(1, async { is_done.await.unwrap() }));
            let mut waits = || over.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending();
            assert!(waits());
            sender.terminate().await;
            // A process that exits at the second signal does not get this far.
            for _ in 0..10 {
                assert!(waits());
                tokio::task::yield_now().await;
            }
            done.send(()).unwrap();
            over.await;
        });
    }
}
