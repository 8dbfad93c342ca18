//! Chooses the account of a pool for a bot. No I/O: each database calls it inside its transaction.

use model::CredentialStatus;

use crate::{MemberUsage, PooledAccount, SeatCounts, SeatRequest};

/// The account of the holder's seat, if it is still allowed. Lowered limits don't end a seat.
pub fn keeps<'m>(
    account: &PooledAccount,
    hosting: bool,
    members: &'m [MemberUsage],
    request: &SeatRequest<'_>,
) -> Option<&'m MemberUsage> {
    members.iter().filter(|usage| usage.member.account == *account).find(|usage| {
        let may_host = hosting || may_host(usage, request);
        request.may_be_on(&usage.member) && is_usable(usage, request) && may_host
    })
}

/// The account for a new seat: not in the meeting, with a free seat, and able to host if required.
/// Healthy accounts come first, then the one with the smallest share of its seats taken, then the
/// one that was chosen longest ago.
///
/// `present` are the persons who are already in the meeting.
pub fn choose<'m>(
    members: &'m [MemberUsage],
    present: &[String],
    request: &SeatRequest<'_>,
) -> Result<&'m MemberUsage, SeatCounts> {
    let mut counts = SeatCounts::default();
    let mut best: Option<&MemberUsage> = None;
    for usage in members.iter().filter(|usage| request.may_be_on(&usage.member)) {
        counts.accounts += 1;
        if !is_usable(usage, request) {
            continue;
        }
        let member = &usage.member;
        counts.usable += 1;
        counts.seats += member.joins;
        counts.taken += usage.seats.min(member.joins);
        counts.first_end = counts.first_end.into_iter().chain(usage.first_end).min();
        let free = usage.seats < member.joins;
        let may_host = may_host(usage, request);
        if present.contains(&member.person) {
            counts.present += 1;
        } else if free && !may_host {
            counts.hosting += 1;
        } else if free && best.is_none_or(|best| is_better(usage, best)) {
            best = Some(usage);
        }
    }
    best.ok_or(counts)
}

fn is_usable(usage: &MemberUsage, request: &SeatRequest<'_>) -> bool {
    usage.status.is_usable() && !request.without.contains(&usage.member.account)
}

fn may_host(usage: &MemberUsage, request: &SeatRequest<'_>) -> bool {
    !request.hosts(&usage.member) || usage.hosting < usage.member.hosted
}

fn is_better(a: &MemberUsage, b: &MemberUsage) -> bool {
    let ailing = |usage: &MemberUsage| usage.status != CredentialStatus::Healthy;
    // Compares seats / joins of both with a common denominator.
    let load = |a: &MemberUsage, b: &MemberUsage| u64::from(a.seats) * u64::from(b.member.joins);
    (ailing(a), load(a, b), a.taken_at) < (ailing(b), load(b, a), b.taken_at)
}

#[cfg(test)]
mod tests {
    use model::{
        CredentialId, CredentialStatus, Environment, ManualClock, PoolId, SeatId, SeededEntropy, Timestamp,
    };

    use super::{choose, keeps};
    use crate::{Member, MemberUsage, SeatCounts, SeatRequest};

    const NOW: Timestamp = Timestamp::from_second(1_800_000_000);

    fn env() -> Environment {
        let clock = std::sync::Arc::new(ManualClock::new(NOW));
        Environment { clock, entropy: std::sync::Arc::new(SeededEntropy::new(7)) }
    }

    fn request(env: &Environment) -> SeatRequest<'static> {
        SeatRequest {
            id: SeatId::generate(env),
            pool: PoolId::generate(env),
            meeting: None,
            holder: "bot",
            hosting: false,
            host: None,
            without: &[],
            now: NOW,
            until: NOW,
        }
    }

    fn usage(env: &Environment, person: &str, (seats, joins): (u32, u32)) -> MemberUsage {
        let member = Member {
            account: (CredentialId::generate(env), None),
            person: person.into(),
            address: None,
            joins,
            hosted: 1,
        };
        let (status, taken_at) = (CredentialStatus::Healthy, None);
        MemberUsage { member, status, seats, hosting: 0, first_end: None, taken_at }
    }

    /// The person that is chosen among `members`.
    fn chosen<'m>(
        members: &'m [MemberUsage],
        present: &[&str],
        request: &SeatRequest<'_>,
    ) -> Result<&'m str, SeatCounts> {
        let present: Vec<String> = present.iter().map(ToString::to_string).collect();
        choose(members, &present, request).map(|chosen| chosen.member.person.as_str())
    }

    #[test]
    fn the_member_with_the_smallest_share_of_taken_seats_is_chosen() {
        let env = env();
        let members = [usage(&env, "large", (10, 100)), usage(&env, "small", (1, 2))];
        assert_eq!(chosen(&members, &[], &request(&env)), Ok("large"));
    }

    #[test]
    fn of_equal_members_the_least_recently_chosen_is_chosen() {
        let env = env();
        let mut members = [usage(&env, "a", (1, 2)), usage(&env, "b", (2, 4)), usage(&env, "c", (1, 2))];
        members[0].taken_at = Some(NOW);
        members[2].taken_at = Some(Timestamp::from_second(1));
        assert_eq!(chosen(&members, &[], &request(&env)), Ok("b"), "never chosen");
        members[1].taken_at = Some(Timestamp::from_second(2));
        assert_eq!(chosen(&members, &[], &request(&env)), Ok("c"));
    }

    #[test]
    fn healthy_accounts_come_first_and_unusable_ones_are_never_chosen() {
        let env = env();
        let mut members = [usage(&env, "degraded", (0, 9)), usage(&env, "healthy", (8, 9))];
        members[0].status = CredentialStatus::Degraded;
        assert_eq!(chosen(&members, &[], &request(&env)), Ok("healthy"));
        members[1].seats = 9;
        assert_eq!(chosen(&members, &[], &request(&env)), Ok("degraded"));
        for status in CredentialStatus::ALL.into_iter().filter(|status| !status.is_usable()) {
            members[0].status = status;
            let counts = chosen(&members, &[], &request(&env)).unwrap_err();
            assert_eq!(
                (counts.accounts, counts.usable, counts.seats, counts.taken),
                (2, 1, 9, 9),
                "{status}"
            );
        }
    }

    #[test]
    fn no_account_is_in_a_meeting_twice_or_hosts_too_many() {
        let env = env();
        let mut members = [usage(&env, "ada", (0, 9)), usage(&env, "eve", (1, 9))];
        assert_eq!(chosen(&members, &["ada"], &request(&env)), Ok("eve"));
        assert_eq!(chosen(&members, &["ada", "eve"], &request(&env)).unwrap_err().present, 2);
        members[0].hosting = 1;
        let hosting = SeatRequest { hosting: true, ..request(&env) };
        assert_eq!(chosen(&members, &[], &hosting), Ok("eve"));
        let counts = chosen(&members, &["eve"], &hosting).unwrap_err();
        assert_eq!((counts.hosting, counts.present), (1, 1));
        assert_eq!(chosen(&members, &["eve"], &request(&env)), Ok("ada"), "it may join what it doesn't host");
    }

    #[test]
    fn only_the_meetings_host_can_start_it() {
        let env = env();
        let mut members = [usage(&env, "ada", (0, 9)), usage(&env, "eve", (1, 9))];
        let adas = SeatRequest { host: Some("ada"), ..request(&env) };
        assert_eq!(chosen(&members, &[], &adas), Ok("ada"));
        assert!(adas.hosts(&members[0].member) && !adas.hosts(&members[1].member));
        members[0].hosting = 1;
        assert_eq!(chosen(&members, &[], &adas), Ok("eve"), "she joins as a guest");
        assert_eq!(chosen(&members, &["eve"], &adas).unwrap_err().hosting, 1);
        assert_eq!(chosen(&members, &["eve"], &request(&env)), Ok("ada"));

        let to_start = SeatRequest { hosting: true, ..adas };
        let counts = chosen(&members, &[], &to_start).unwrap_err();
        assert_eq!((counts.accounts, counts.hosting), (1, 1), "eve can't start ada's meeting");
        members[0].hosting = 0;
        assert_eq!(chosen(&members, &[], &to_start), Ok("ada"));
        assert!(keeps(&members[1].member.account, true, &members, &to_start).is_none());
        let strangers = SeatRequest { host: Some("bob"), ..to_start };
        assert_eq!(chosen(&members, &[], &strangers).unwrap_err().accounts, 0);
    }

    #[test]
    fn a_seat_is_kept_while_its_account_is_allowed() {
        let env = env();
        let mut members = [usage(&env, "ada", (9, 1))];
        let account = members[0].member.account.clone();
        assert!(keeps(&account, false, &members, &request(&env)).is_some(), "although the limit was lowered");
        assert!(
            keeps(&(CredentialId::generate(&env), None), false, &members, &request(&env)).is_none(),
            "no longer a member"
        );
        let hosting = SeatRequest { hosting: true, ..request(&env) };
        assert!(keeps(&account, false, &members, &hosting).is_some());
        members[0].hosting = 1;
        assert!(keeps(&account, false, &members, &hosting).is_none());
        assert!(keeps(&account, true, &members, &hosting).is_some(), "it is the one that hosts");
        let without = SeatRequest { without: std::slice::from_ref(&account), ..request(&env) };
        assert!(keeps(&account, false, &members, &without).is_none());
        assert_eq!(chosen(&members, &[], &without).unwrap_err().usable, 0);
    }
}
