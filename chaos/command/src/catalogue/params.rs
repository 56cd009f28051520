//! The parameters of faults: what each means, what it may be, and what it is where a scenario says nothing. The one place that
//! knows: reading a scenario refuses, faults fill in and `list faults` shows what stands here.

use crate::length::Length;
use crate::scenario::Params;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use std::fmt;

/// A parameter, whatever its type.
pub trait Parameter: Sync {
    /// As scenarios name it.
    fn name(&self) -> &'static str;
    /// What it means, with its unit.
    fn about(&self) -> &'static str;
    /// What it may be, and what it is otherwise, for people.
    fn range(&self) -> String;
    /// The same for programs.
    fn json(&self) -> Value;
    /// Why what a scenario says cannot be.
    fn refuse(&self, params: &Params) -> Option<String>;
    /// Whether a scenario leaves it as it is anyway.
    fn is_default(&self, params: &Params) -> bool;
}

impl fmt::Debug for dyn Parameter {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl Serialize for dyn Parameter {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.json().serialize(to)
    }
}

/// One with a least and a most.
pub struct Amount<T> {
    name: &'static str,
    about: &'static str,
    least: T,
    most: T,
    default: T,
    given: fn(&Params) -> Option<T>,
}

impl<T: Copy> Amount<T> {
    /// What a scenario says, or what it is otherwise.
    #[must_use]
    pub fn of(&self, params: &Params) -> T {
        (self.given)(params).unwrap_or(self.default)
    }
}

impl<T: Copy + PartialOrd + fmt::Display + Serialize + Sync> Parameter for Amount<T> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        self.about
    }

    fn range(&self) -> String {
        let (least, most) = (self.least, self.most);
        format!("{least} to {most}, by default {}", self.default)
    }

    fn json(&self) -> Value {
        let (least, most, default) = (&self.least, &self.most, &self.default);
        json!({ "name": self.name, "about": self.about, "least": least, "most": most, "default": default })
    }

    fn refuse(&self, params: &Params) -> Option<String> {
        let given = (self.given)(params)?;
        let fits = (self.least..=self.most).contains(&given);
        (!fits).then(|| format!("must be {} to {}", self.least, self.most))
    }

    fn is_default(&self, params: &Params) -> bool {
        self.of(params) == self.default
    }
}

/// One of some words; the first where a scenario says nothing.
pub struct Word {
    name: &'static str,
    about: &'static str,
    words: &'static [&'static str],
    given: fn(&Params) -> Option<&str>,
}

impl Word {
    /// What a scenario says, or what it is otherwise.
    #[must_use]
    pub fn of<'a>(&self, params: &'a Params) -> &'a str {
        (self.given)(params).unwrap_or(self.default())
    }

    fn default(&self) -> &'static str {
        self.words.first().copied().unwrap_or_default()
    }
}

impl Parameter for Word {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        self.about
    }

    fn range(&self) -> String {
        format!("{}; by default {}", self.words.join(", "), self.default())
    }

    fn json(&self) -> Value {
        json!({ "name": self.name, "about": self.about, "one_of": self.words, "default": self.default() })
    }

    fn refuse(&self, params: &Params) -> Option<String> {
        let known = self.words.contains(&self.of(params));
        (!known).then(|| format!("must be one of {}", self.words.join(", ")))
    }

    fn is_default(&self, params: &Params) -> bool {
        self.of(params) == self.default()
    }
}

/// Longer would outlast every fault.
const DELAY_MAX: Length = Length::millis(600_000);

const fn share(
    name: &'static str,
    about: &'static str,
    given: fn(&Params) -> Option<f64>,
) -> Amount<f64> {
    Amount {
        name,
        about,
        least: 0.0,
        most: 1.0,
        default: 0.0,
        given,
    }
}

const fn wait(
    name: &'static str,
    about: &'static str,
    given: fn(&Params) -> Option<Length>,
) -> Amount<Length> {
    Amount {
        name,
        about,
        least: Length::millis(0),
        most: DELAY_MAX,
        default: Length::millis(0),
        given,
    }
}

/// Of packets.
pub static DELAY: Amount<Length> =
    wait("delay", "time added to each packet", |params| params.delay);

/// Of packets.
pub static JITTER: Amount<Length> = wait(
    "jitter",
    "up to so much more for each packet; what overtakes arrives out of order",
    |params| params.jitter,
);

/// Of packets.
pub static LOSS: Amount<f64> = share("loss", "share of packets lost", |params| params.loss);

/// Of packets.
pub static DUPLICATE: Amount<f64> = share("duplicate", "share of packets that arrive twice", |p| {
    p.duplicate
});

/// Of packets.
pub static CORRUPT: Amount<f64> = share("corrupt", "share of packets with flipped bits", |p| {
    p.corrupt
});

/// Of packets.
pub static REORDER: Amount<f64> = share(
    "reorder",
    "share of packets held back until others have overtaken them",
    |params| params.reorder,
);

/// Of syncs.
pub static SYNC_DELAY: Amount<Length> = Amount {
    name: "delay",
    about: "time added to each sync",
    least: Length::millis(1),
    most: DELAY_MAX,
    default: Length::millis(200),
    given: |params| params.delay,
};

/// Of a processor.
pub static SHARE: Amount<f64> = Amount {
    name: "share",
    about: "share of one processor that is left",
    least: 0.02,
    most: 1.0,
    default: 0.1,
    given: |params| params.share,
};

/// Of memory.
pub static MIB: Amount<u64> = Amount {
    name: "mib",
    about: "memory that can be had yet, MiB",
    least: 0,
    most: 1 << 20,
    default: 4,
    given: |params| params.mib,
};

/// Of a process.
pub static DESCRIPTORS: Amount<u64> = Amount {
    name: "descriptors",
    about: "descriptors that can be had yet",
    least: 0,
    most: 1 << 20,
    default: 0,
    given: |params| params.descriptors,
};

/// Of a node's data.
pub static FILE: Word = Word {
    name: "file",
    about: "which file is damaged",
    words: &[
        "log",
        "table",
        "log-manifest",
        "state-manifest",
        "watermark",
    ],
    given: |params| params.file.as_deref(),
};

/// Of a file.
pub static BITS: Amount<u64> = Amount {
    name: "bits",
    about: "how many bits are flipped",
    least: 1,
    most: 4_096,
    default: 1,
    given: |params| params.bits,
};

/// Of a clock: 200 years at most, in which nanoseconds can be counted.
pub static OFFSET_S: Amount<i64> = Amount {
    name: "offset_s",
    about: "how far the clock jumps, seconds; back where negative",
    least: -200 * 366 * 86_400,
    most: 200 * 366 * 86_400,
    default: 3_600,
    given: |params| params.offset_s,
};

/// Of a clock.
pub static SPEED: Amount<f64> = Amount {
    name: "speed",
    about: "how fast the clock runs; 1 is right",
    least: 0.0,
    most: 100.0,
    default: 2.0,
    given: |params| params.speed,
};

#[cfg(test)]
mod tests {
    use crate::catalogue;
    use crate::scenario::Params;
    use serde_json::{Value, json};

    fn given(name: &str, value: &Value) -> Params {
        serde_json::from_value(json!({ name: value })).unwrap()
    }

    #[test]
    fn every_parameter_reads_its_own_field_and_bears_its_default_and_bounds() {
        for entry in catalogue::ALL {
            for param in entry.params {
                let told = param.json();
                for bound in ["least", "most", "default"] {
                    let Some(value) = told.get(bound) else {
                        continue;
                    };
                    let params = given(param.name(), value);
                    assert_eq!(params.given(), [param.name()]);
                    assert_eq!(param.refuse(&params), None, "{} of {param:?}", entry.name);
                    let is_default = told.get("default") == Some(value);
                    assert_eq!(param.is_default(&params), is_default, "{param:?}");
                }
            }
        }
    }

    #[test]
    fn every_parameter_of_a_scenario_is_some_faults() {
        let all = json!({ "delay": "1s", "jitter": "1s", "loss": 0.5, "duplicate": 0.5, "corrupt": 0.5, "reorder": 0.5,
            "offset_s": 1, "speed": 1, "share": 1, "mib": 1, "descriptors": 1, "file": "log", "bits": 1 });
        let all: Params = serde_json::from_value(all).unwrap();
        for name in all.given() {
            let mut params = catalogue::ALL.iter().flat_map(|entry| entry.params);
            assert!(params.any(|param| param.name() == name), "{name}");
        }
    }
}
