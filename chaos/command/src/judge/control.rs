//! Judges a control: acknowledged writes were made to vanish, and the checker of durability must have seen it.

use holdfast_check::{Ruling, Verdict};

/// The checker that must see it.
const MUST_SEE: &str = "durability";
/// Checkers that lost writes are no excuse for. All others may rightly be at odds with a cluster that forgot.
const HOLD_ALL_THE_SAME: [&str; 3] = ["canaries", "sealed", "coverage"];

/// Turns the verdicts round: what was found lost is what had to be found. Nothing found proves nothing: the disk may have kept
/// what it lied about, or the checker is blind.
pub(super) fn control(verdicts: &mut Vec<Verdict>) {
    let durability = verdicts.iter().find(|verdict| verdict.checker == MUST_SEE);
    let (ruling, checked, summary) = match durability {
        Some(seen) if seen.ruling == Ruling::Violation => (
            Ruling::Ok,
            seen.checked,
            format!("{MUST_SEE} saw the loss, as it must: {}", seen.summary),
        ),
        Some(seen) => (
            Ruling::Inconclusive,
            seen.checked,
            format!(
                "writes were to be lost, and {MUST_SEE} saw none: {}",
                seen.summary
            ),
        ),
        None => (
            Ruling::Inconclusive,
            0,
            format!("writes were to be lost, and {MUST_SEE} did not judge"),
        ),
    };
    verdicts.retain(|verdict| HOLD_ALL_THE_SAME.contains(&verdict.checker.as_str()));
    verdicts.insert(
        0,
        Verdict {
            checker: "control".to_owned(),
            ruling,
            checked,
            summary,
            violations: Vec::new(),
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use holdfast_check::overall;

    fn verdict(checker: &str, ruling: Ruling) -> Verdict {
        Verdict {
            checker: checker.to_owned(),
            ruling,
            checked: 7,
            summary: format!("{checker} said so"),
            violations: Vec::new(),
        }
    }

    fn ruling(verdicts: &[(&str, Ruling)]) -> Ruling {
        let mut verdicts = verdicts
            .iter()
            .map(|(checker, ruling)| verdict(checker, *ruling))
            .collect();
        control(&mut verdicts);
        overall(&verdicts)
    }

    #[test]
    fn a_control_holds_only_when_the_loss_was_seen() {
        use Ruling::{Inconclusive, Ok, Violation};
        let stale = ("stale-reads", Violation);
        assert_eq!(ruling(&[("durability", Violation), stale]), Ok);
        assert_eq!(ruling(&[("durability", Ok), stale]), Inconclusive);
        assert_eq!(ruling(&[("durability", Inconclusive)]), Inconclusive);
        assert_eq!(ruling(&[stale]), Inconclusive);
    }

    #[test]
    fn a_loss_excuses_no_leak() {
        use Ruling::Violation;
        let leak = ("canaries", Violation);
        assert_eq!(ruling(&[("durability", Violation), leak]), Violation);
    }
}
