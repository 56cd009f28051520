//! `run` and `reproduce`: one run, judged.

use super::interrupt::until_interrupted;
use super::place;
use crate::ability;
use crate::binary;
use crate::cli;
use crate::exit::Exit;
use crate::runner::{self, Keep, RunPlan, Setting};
use crate::scenario;
use crate::summary::summary;
use anyhow::{Context, bail};

pub(super) fn run(args: &cli::Run) -> anyhow::Result<Exit> {
    let scenario = scenario::find(&args.scenario)?;
    let plan = RunPlan::new(&args.scenario, scenario, args.seed, &args.common)?;
    let setting = Setting {
        binary: binary::find(args.common.binary.as_deref())?,
        out: place::out(args.out.as_deref(), &name_of(&plan))?,
        keep: keep(args.common.keep),
        progress: !args.common.json,
    };
    once(&plan, &setting, args.common.json)
}

pub(super) fn reproduce(args: &cli::Reproduce) -> anyhow::Result<Exit> {
    let text = std::fs::read_to_string(&args.file)
        .with_context(|| format!("reading {}", args.file.display()))?;
    let plan: RunPlan =
        serde_json::from_str(&text).with_context(|| format!("reading {}", args.file.display()))?;
    plan.scenario.check()?;
    let setting = Setting {
        binary: binary::find(args.binary.as_deref())?,
        out: place::out(args.out.as_deref(), &name_of(&plan))?,
        keep: keep(args.keep),
        progress: !args.json,
    };
    once(&plan, &setting, args.json)
}

/// What explains an error of the harness is kept in any case.
const fn keep(asked: bool) -> Keep {
    if asked { Keep::Always } else { Keep::Broken }
}

fn name_of(plan: &RunPlan) -> String {
    format!("{}-{}", plan.scenario.name, plan.seed)
}

fn once(plan: &RunPlan, setting: &Setting, json: bool) -> anyhow::Result<Exit> {
    if let Some(why) = ability::missing(&plan.scenario) {
        bail!("this machine cannot run {}: {why}", plan.scenario.name);
    }
    let run = until_interrupted(|stop| runner::run(plan, setting, stop))?;
    if json {
        println!("{}", holdfast_report::json(&run));
    } else {
        print!("{}", summary(&run, Some(&setting.out)));
    }
    Ok(run.ruling().into())
}
