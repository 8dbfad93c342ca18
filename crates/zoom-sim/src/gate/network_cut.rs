//! Simulated network cuts (ours): nothing that the affected participants send reaches Zoom, which may not notice at once.

use std::time::Duration;

use super::meeting::Meeting;
use crate::clock::Clock;
use crate::ids::MeetingNumber;
use crate::state::SharedSim;

/// The participants that a cut affects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    Everybody,
    /// Participants with this name, including later pages of the same bot.
    Named(String),
}

impl Whose {
    pub(crate) fn concerns(&self, name: Option<&str>) -> bool {
        match self {
            Self::Everybody => true,
            Self::Named(cut) => name == Some(cut),
        }
    }
}

/// A cut in effect.
#[derive(Debug)]
pub(crate) struct Cut {
    id: u32,
    whose: Whose,
}

/// The cuts in effect in a meeting.
#[derive(Debug, Default)]
pub(crate) struct Cuts {
    now: Vec<Cut>,
    so_far: u32,
}

impl Cuts {
    /// Whether a request is lost. `name` is `None` when the request does not identify a participant.
    pub(crate) fn concern(&self, name: Option<&str>) -> bool {
        self.now.iter().any(|cut| cut.whose.concerns(name))
    }

    fn add(&mut self, whose: Whose) -> u32 {
        self.so_far += 1;
        self.now.push(Cut { id: self.so_far, whose });
        self.so_far
    }

    pub(crate) fn heal(&mut self) {
        self.now.clear();
    }
}

/// Cuts the connections of `whose` for `span`, or until [`Cuts::heal`]. The affected participants stay in the roster for
/// `shown`, or until they rejoin as the same stay (I). Both durations are real time. Returns false when there is no such
/// meeting.
pub(crate) fn cut(
    sim: &SharedSim,
    number: &MeetingNumber,
    whose: Whose,
    span: Option<Duration>,
    shown: Duration,
) -> bool {
    let mut world = sim.world();
    let Some(meeting) = world.meetings.get_mut(number) else { return false };
    let unseen = meeting.cut_off(&whose);
    let cut = meeting.cuts.add(whose);
    let notice = move |meeting: &mut Meeting| {
        for id in unseen {
            meeting.leave(id);
        }
    };
    if shown.is_zero() {
        notice(meeting);
    } else {
        later(sim, number, shown, notice);
    }
    if let Some(span) = span {
        later(sim, number, span, move |meeting| meeting.cuts.now.retain(|line| line.id != cut));
    }
    true
}

fn later(
    sim: &SharedSim,
    number: &MeetingNumber,
    span: Duration,
    act: impl FnOnce(&mut Meeting) + Send + 'static,
) {
    let (later, number) = (sim.clone(), number.clone());
    sim.tasks.spawn(async move {
        tokio::select! {
            () = Clock::wait(span) => {}
            () = later.stopping.cancelled() => return,
        }
        let mut world = later.world();
        if let Some(meeting) = world.meetings.get_mut(&number) {
            act(meeting);
        }
        world.spread_news(&number, later.moment());
        later.happened();
    });
}
