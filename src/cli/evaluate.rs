//! `minicopilot evaluate`: one subcommand per measurement.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, Subcommand};

use super::model::ModelArgument;
use super::number::number;
use super::output::json_or_text;
use crate::evaluate;

/// The measurements.
#[derive(Debug, Subcommand)]
pub enum Measurement {
    /// Quality of the candidates over about N tokens, in blocks of 250 drawn from all files
    Quality {
        #[command(flatten)]
        measured: Measured,
        #[command(flatten)]
        environment: Environment,
        /// Write an HTML page with figures by part, a reliability diagram and the most confident errors
        #[arg(long, value_name = "FILE")]
        html: Option<PathBuf>,
    },
    /// Time from a key to its completion list, over about N tokens typed at human speed: 20 at each place, and at most one place
    /// in every 250 tokens
    Latency {
        #[command(flatten)]
        measured: Measured,
        /// Keys per second
        #[arg(long, value_name = "KEYS", default_value_t = 20.0, allow_negative_numbers = true,
            value_parser = number(0.01..=1000.0, "a number from 0.01 to 1000"))]
        rate: f64,
        /// Measure another language server, started by this command
        #[arg(long, value_name = "COMMAND", value_parser = command)]
        server: Option<String>,
    },
    /// Accuracy of predicting the rest of a line, over N lines cut at random positions
    Lines {
        #[command(flatten)]
        measured: Measured,
        #[command(flatten)]
        environment: Environment,
    },
    /// Share of identifiers among the first five candidates, over N identifiers drawn at random
    Identifiers {
        #[command(flatten)]
        measured: Measured,
        #[command(flatten)]
        environment: Environment,
        /// Measure another language server, started by this command
        #[arg(long, value_name = "COMMAND", value_parser = command, conflicts_with = "environment")]
        server: Option<String>,
    },
}

/// Arguments shared by all measurements.
#[derive(Args, Debug)]
pub struct Measured {
    /// Python files, and folders to search for them
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Sample size; 0 for everything
    #[arg(long, value_name = "N", default_value_t = 5_000, allow_negative_numbers = true,
        value_parser = number(0_usize.., "a whole number of at least 0"))]
    sample: usize,
    /// Random seed for the sample
    #[arg(long, value_name = "S", default_value_t = 42, allow_negative_numbers = true,
        value_parser = number(0_u64.., "a whole number of at least 0"))]
    seed: u64,
    /// Open each path as a project, which the server reads; otherwise files are opened without a workspace
    #[arg(long)]
    project: bool,
    #[command(flatten)]
    model: ModelArgument,
}

#[derive(Args, Debug)]
pub struct Environment {
    /// The Python installation used to resolve imports; by default no installed package is read
    #[arg(long = "environment", id = "environment", value_name = "DIR")]
    folder: Option<PathBuf>,
}

/// Runs a measurement and returns the text to print.
pub fn run(measurement: &Measurement) -> anyhow::Result<String> {
    match measurement {
        Measurement::Quality {
            measured,
            environment,
            html,
        } => {
            let setting = measured.setting(environment.check()?)?;
            let report = evaluate::run(&measured.paths, setting)?;
            if let Some(html) = html {
                std::fs::write(html, evaluate::page(&report))
                    .with_context(|| format!("cannot write {}", html.display()))?;
            }
            json_or_text(measured.json, &report)
        }
        Measurement::Latency {
            measured,
            rate,
            server,
        } => {
            let setting = measured.setting(None)?;
            let typing = evaluate::Typing {
                server: server.clone(),
                sample: setting.sample,
                rate: *rate,
                in_project: setting.in_project,
            };
            let speed = evaluate::type_keys(&measured.paths, &typing, setting.model)?;
            json_or_text(measured.json, &speed)
        }
        Measurement::Lines {
            measured,
            environment,
        } => {
            let setting = measured.setting(environment.check()?)?;
            json_or_text(
                measured.json,
                &evaluate::cut_lines(&measured.paths, setting)?,
            )
        }
        Measurement::Identifiers {
            measured,
            environment,
            server,
        } => {
            let setting = measured.setting(environment.check()?)?;
            let found = evaluate::ask_identifiers(&measured.paths, setting, server.as_deref())?;
            json_or_text(measured.json, &found)
        }
    }
}

impl Measured {
    fn setting<'a>(
        &'a self,
        environment: Option<&'a Path>,
    ) -> anyhow::Result<evaluate::Setting<'a>> {
        // Load the model here, so that a failure is reported once and in full.
        self.model.load()?;
        Ok(evaluate::Setting {
            sample: evaluate::Sample {
                targets: self.sample,
                seed: self.seed,
            },
            in_project: self.project,
            environment,
            model: self.model.folder(),
        })
    }
}

impl Environment {
    /// The folder, checked to exist.
    fn check(&self) -> anyhow::Result<Option<&Path>> {
        if let Some(folder) = self.folder.as_ref().filter(|folder| !folder.is_dir()) {
            anyhow::bail!("--environment {}: no such folder", folder.display());
        }
        Ok(self.folder.as_deref())
    }
}

fn command(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("expected a program, with arguments if it needs any".to_owned());
    }
    Ok(text.to_owned())
}
