//! Members: the names that fit at the end of a buffer according to declarations.
//!
//! They are the attributes of a class ([`class`]) or a module ([`module`]), the names that an import statement can name
//! ([`import`]), or the keyword arguments of a call ([`call`]). [`collector`] decides which; this file turns the weighted
//! names that it collects into shares.

mod call;
mod class;
mod collector;
mod counts;
mod import;
mod module;
mod site;

pub use site::{Site, begins_module, is_attribute};

use super::name::Name;
use super::resolve::{Completeness, Resolver, ResolverInputs};
use super::token::TokenKind;
use collector::Collector;
use counts::MemberCounts;

/// Weight of a name that starts with an underscore, unless the receiver is `self`.
const PRIVATE_WEIGHT: f32 = 0.05;
/// Minimum share of members in the probability of all names, if all members are known or most are. Chosen: docs/answers.md.
const MIN_MASS_COMPLETE: f32 = 0.97;
const MIN_MASS_MOST: f32 = 0.6;

/// The names that fit at a position.
#[derive(Clone, Debug, Default)]
pub struct MemberSet {
    /// `None` if no declaration fits.
    pub site: Option<Site>,
    /// Names in the buffer's or the project's numbering, with weights that sum to 1.
    pub shares: Vec<(Name, f32)>,
    /// Minimum share of these names in the probability of all names: where members are known, other names are rare.
    pub min_mass: f32,
}

/// The names that fit at the end of a buffer.
pub fn members(inputs: ResolverInputs<'_>) -> MemberSet {
    let mut collector = Collector {
        resolver: Resolver::new(inputs),
        counts: MemberCounts::new(),
    };
    let site = collector.collect();
    let Collector { resolver, counts } = collector;
    let completeness = counts.completeness.min(resolver.completeness);
    let mut names = counts.names;
    names.retain(|&name, _| inputs.names.token_kind(name).is_name());
    let Some(site) = site.filter(|_| !names.is_empty()) else {
        return MemberSet::default();
    };
    if ![Site::OwnAttribute, Site::Argument].contains(&site) {
        for (&name, count) in &mut names {
            // A constructor is called by the name of its class.
            let is_init = inputs.names.token_kind(name) == TokenKind::Init;
            for _ in 0..usize::from(inputs.names.is_private(name)) + usize::from(is_init) {
                *count *= PRIVATE_WEIGHT;
            }
            *count *= frequency(inputs.names.frequency_rank(name));
        }
    }
    let total: f32 = names.values().sum();
    let shares = names.into_iter().map(|(name, count)| (name, count / total));
    MemberSet {
        site: Some(site),
        shares: shares.collect(),
        min_mass: min_mass(site, completeness),
    }
}

/// Minimum share of members in the probability of all names, at a site and with a completeness. It is 0 where own attributes or
/// arbitrary values can appear, since the declarations are not exhaustive there, and at sites of a module read without
/// indentation, whose names include locals of functions.
fn min_mass(site: Site, completeness: Completeness) -> f32 {
    match (site, completeness) {
        (Site::OwnAttribute | Site::Argument, _) | (_, Completeness::Unknown) => 0.0,
        (_, Completeness::Complete) => MIN_MASS_COMPLETE,
        (Site::Attribute, _) | (_, Completeness::Partial) => MIN_MASS_MOST,
        _ => 0.0,
    }
}

/// Weight of a name from its frequency rank in the training corpus.
fn frequency(rank: usize) -> f32 {
    ((rank + 50) as f32).powf(-0.5)
}
