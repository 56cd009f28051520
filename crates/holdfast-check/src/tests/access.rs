//! Revoked tokens are out everywhere, and a sealed node gives nothing.

use super::{LINEARIZABLE, found, held, used};
use crate::fixtures::{done, get, history, ok, put, sample};
use crate::{Action, Consistency, History, NodeSample, NodeState, Outcome, revocation, sealed};

fn family(revoke: Outcome, then: Vec<(u64, Action, Outcome)>) -> History {
    let mut steps = vec![
        (
            1,
            Action::CreateToken {
                token: 1,
                parent: None,
            },
            ok(5, None, None),
        ),
        (
            1,
            Action::CreateToken {
                token: 2,
                parent: Some(1),
            },
            ok(6, None, None),
        ),
        (1, Action::RevokeToken { token: 1 }, revoke),
    ];
    steps.extend(then);
    history(steps)
}

#[test]
fn revocation_finds_a_revoked_token_let_in_on_any_node() {
    let child = used(2, LINEARIZABLE);
    let revoked = || ok(7, None, None);
    held(&revocation(&family(
        revoked(),
        vec![(3, child.clone(), Outcome::Denied)],
    )));
    let verdict = revocation(&family(
        revoked(),
        vec![(3, child.clone(), ok(8, None, None))],
    ));
    found(&verdict, "token 2 was let in by node 3");
    assert_eq!(verdict.violations[0].operations, [2, 3]);
    let later = used(2, Consistency::AtLeast { index: 7 });
    found(
        &revocation(&family(revoked(), vec![(3, later, done())])),
        "let in by node 3",
    );
    held(&revocation(&family(
        revoked(),
        vec![(3, used(2, Consistency::Stale), ok(6, None, None))],
    )));
    found(
        &revocation(&family(
            revoked(),
            vec![(3, used(2, Consistency::Stale), ok(7, None, None))],
        )),
        "let in by node 3",
    );
    let born = Action::CreateToken {
        token: 3,
        parent: Some(2),
    };
    found(
        &revocation(&family(revoked(), vec![(2, born, ok(9, None, None))])),
        "let in by node 2",
    );
}

#[test]
fn revocation_finds_a_token_let_in_beyond_the_age_or_index_asked_for() {
    let use_after = |consistency, index, at_ns| {
        let mut history = family(
            ok(7, None, None),
            vec![(3, used(2, consistency), ok(index, None, None))],
        );
        let last = &mut history.operations[3];
        (last.invoked_ns, last.returned_ns) = (at_ns, Some(at_ns + 1));
        revocation(&history)
    };
    let bounded = Consistency::Bounded { millis: 100 };
    found(&use_after(bounded, 6, 400_000_000), "let in by node 3");
    held(&use_after(bounded, 6, 300_000_000));
    let least = Consistency::AtLeast { index: 5 };
    found(&use_after(least, 7, 50), "let in by node 3");
    held(&use_after(least, 6, 50));
}

#[test]
fn a_revocation_of_unknown_fate_may_be_either_but_not_both_ways() {
    let child = || used(2, LINEARIZABLE);
    let unknown = |then| revocation(&family(Outcome::Unknown, then));
    held(&unknown(vec![
        (1, child(), done()),
        (2, child(), Outcome::Denied),
    ]));
    found(
        &unknown(vec![(1, child(), Outcome::Denied), (2, child(), done())]),
        "refused in operation 3 and let in again",
    );
    let refused = family(Outcome::Unavailable, vec![(1, child(), Outcome::Denied)]);
    found(&revocation(&refused), "nobody had asked to revoke it");
}

#[test]
fn a_write_rests_on_no_token_that_was_revoked_lower_in_the_log() {
    let born = |index| {
        let child = Action::CreateToken {
            token: 3,
            parent: Some(2),
        };
        let mut history = family(ok(7, None, None), vec![(2, child, ok(index, None, None))]);
        // Under way while the revocation was.
        history.operations[3].invoked_ns = 31;
        revocation(&history)
    };
    held(&born(6));
    found(&born(8), "let in by node 2 in operation 3");
}

#[test]
fn a_token_that_nobody_revoked_can_be_revoked() {
    let revoke = || Action::RevokeToken { token: 2 };
    let refused = |first| revocation(&family(first, vec![(3, revoke(), Outcome::Denied)]));
    found(
        &refused(Outcome::Unavailable),
        "refused by node 3 in operation 3",
    );
    held(&refused(Outcome::Unknown));
    held(&refused(ok(7, None, None)));
}

#[test]
fn the_root_token_is_never_refused_what_must_be_up_to_date() {
    let refused = |action| revocation(&history(vec![(2, action, Outcome::Denied)]));
    for action in [get(7), put(7, 1, None), Action::Delete { key: 7 }] {
        found(&refused(action), "the root token was refused by node 2");
    }
    held(&refused(Action::Get {
        key: 7,
        consistency: Consistency::Stale,
    }));
}

/// What a node showed at 5, 15, 25 and so on: its life, and whether it was sealed.
fn looked_at(steps: Vec<(u64, Action, Outcome)>, looks: &[(u64, bool)]) -> History {
    let mut history = history(steps);
    let looks = looks.iter().zip((5..).step_by(10));
    history.samples = looks
        .map(|((life, sealed), at)| NodeSample {
            life: *life,
            sealed: *sealed,
            ..sample(2, at)
        })
        .collect();
    history
}

#[test]
fn sealed_finds_a_node_that_is_open_though_nobody_opened_it() {
    let nobody = |looks: &[(u64, bool)]| sealed(&looked_at(vec![], looks));
    held(&nobody(&[(1, false), (1, false), (2, true), (2, true)]));
    found(
        &nobody(&[(1, false), (2, false), (2, false)]),
        "node 2 is open and nobody opened it since it began anew",
    );
    found(
        &nobody(&[(1, false), (2, true), (2, false)]),
        "nobody opened it since it was sealed",
    );
    // Somebody had opened the process before it.
    let before = |outcome, looks: &[(u64, bool)]| {
        let steps = vec![(2, Action::Unseal, outcome)];
        sealed(&looked_at(steps, looks))
    };
    let again = [(1, true), (1, false), (1, false), (2, false), (2, false)];
    found(&before(done(), &again), "since it began anew");
    held(&before(done(), &again[..3]));
    held(&before(Outcome::Unknown, &again[..3]));
    found(
        &before(Outcome::Unavailable, &again[..3]),
        "since it was sealed",
    );
    // A look at the moment of the question may have been before the process that was asked began.
    let mut slow = looked_at(
        vec![(2, Action::Unseal, done())],
        &[(1, true), (2, true), (2, true), (2, false)],
    );
    let opening = &mut slow.operations[0];
    (opening.invoked_ns, opening.returned_ns) = (5, Some(30));
    held(&sealed(&slow));
}

#[test]
fn a_node_that_may_not_say_whether_it_is_sealed_says_nothing_of_openings() {
    let mut history = looked_at(vec![], &[(1, true), (1, false), (1, true)]);
    history.samples[1].state = NodeState::Quarantined;
    held(&sealed(&history));
    history.samples[1].state = NodeState::Learner;
    found(&sealed(&history), "since it was sealed");
}

#[test]
fn sealed_finds_answers_after_the_seal() {
    let after = |node, action: Action| {
        history(vec![
            (1, Action::Seal, done()),
            (node, action, ok(9, None, None)),
        ])
    };
    let stale = || Action::Get {
        key: 7,
        consistency: Consistency::Stale,
    };
    found(
        &sealed(&after(1, stale())),
        "node 1 answered operation 1 after",
    );
    found(
        &sealed(&after(2, get(7))),
        "node 2 answered operation 1 after",
    );
    found(
        &sealed(&after(2, put(7, 1, None))),
        "node 2 answered operation 1 after",
    );
    held(&sealed(&after(2, stale())));
    let opened = history(vec![
        (1, Action::Seal, done()),
        (2, Action::Unseal, done()),
        (2, get(7), ok(9, None, None)),
    ]);
    held(&sealed(&opened));
}

#[test]
fn sealed_finds_answers_of_a_node_that_says_it_is_sealed() {
    let with = |steps, sealed_ones: [bool; 4]| {
        let mut history = history(steps);
        let looks = [5, 15, 40, 60].into_iter().zip(sealed_ones);
        history.samples = looks
            .map(|(at, sealed)| NodeSample {
                sealed,
                ..sample(2, at)
            })
            .collect();
        history
    };
    let stale = || Action::Get {
        key: 7,
        consistency: Consistency::Stale,
    };
    let second = || {
        vec![
            (1, Action::Seal, Outcome::Unknown),
            (2, stale(), ok(9, None, None)),
        ]
    };
    found(
        &sealed(&with(second(), [true; 4])),
        "while it said that it is sealed",
    );
    held(&sealed(&with(second(), [false, true, true, true])));
    let opening = vec![
        (2, Action::Unseal, Outcome::Unknown),
        (2, stale(), ok(9, None, None)),
    ];
    held(&sealed(&with(opening, [true; 4])));
}

#[test]
fn an_opening_excuses_nothing_once_its_process_is_gone_or_when_it_failed() {
    let stale = || Action::Get {
        key: 7,
        consistency: Consistency::Stale,
    };
    let opened = |opening, lives: [u64; 3]| {
        let mut history = history(vec![
            (2, Action::Unseal, opening),
            (2, Action::Seal, done()),
            (2, stale(), ok(9, None, None)),
        ]);
        let looks = [5, 12, 18].into_iter().zip(lives);
        history.samples = looks
            .map(|(at, life)| NodeSample {
                life,
                ..sample(2, at)
            })
            .collect();
        sealed(&history)
    };
    held(&opened(Outcome::Unknown, [1, 1, 1]));
    found(&opened(Outcome::Unknown, [1, 1, 2]), "answered operation 2");
    // The process may have begun between the last look and the question.
    held(&opened(Outcome::Unknown, [1, 2, 2]));
    found(
        &opened(Outcome::Unavailable, [1, 1, 1]),
        "answered operation 2",
    );
}

#[test]
fn a_slow_answer_does_not_hide_those_after_it() {
    let mut slow = history(vec![
        (1, Action::Seal, done()),
        (1, get(7), ok(9, None, None)),
        (1, get(7), ok(9, None, None)),
        (1, Action::Unseal, done()),
    ]);
    slow.operations[1].returned_ns = Some(1_000);
    found(&sealed(&slow), "answered operation 2");
}
