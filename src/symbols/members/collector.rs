//! Collects the names that fit at the end of the buffer: decides what to collect, and finds the value before a dot.

use super::counts::MemberCounts;
use super::site::{Site, import_at_end};
use crate::symbols::name::Name;
use crate::symbols::resolve::{Resolution, Resolver};
use crate::symbols::token::TokenKind;

/// Collects the names that fit at the end of the buffer.
pub(super) struct Collector<'a> {
    pub(super) resolver: Resolver<'a>,
    pub(super) counts: MemberCounts,
}

impl Collector<'_> {
    pub(super) fn kind(&self, at: usize) -> TokenKind {
        self.resolver.inputs.buffer.token(at).kind
    }

    pub(super) fn name(&self, at: usize) -> Name {
        self.resolver.inputs.buffer.token(at).name
    }

    pub(super) fn in_buffer(&self, name: Name) -> Name {
        self.resolver.inputs.names.in_buffer(name)
    }

    /// Adds the names that fit; `None` if no declaration can fit there.
    pub(super) fn collect(&mut self) -> Option<Site> {
        if let Some(statement) = import_at_end(self.resolver.inputs) {
            return self.add_importable(&statement);
        }
        let buffer = self.resolver.inputs.buffer;
        let mut end = buffer.len();
        if buffer.is_in_brackets() && end > 0 && self.kind(end - 1) == TokenKind::Eol {
            end -= 1;
        }
        match self.kind(end.checked_sub(1)?) {
            TokenKind::Dot => Some(self.add_attributes(end - 1)),
            TokenKind::Comma | TokenKind::OpeningParenthesis => {
                self.add_keywords(end);
                Some(Site::Argument)
            }
            _ => None,
        }
    }

    /// The dotted name that ends before a position of the buffer. `None` if it starts with something other than a name, as
    /// in `f().a`.
    pub(super) fn dotted_before(&self, end: usize) -> Option<Vec<Name>> {
        let mut names = Vec::new();
        let mut at = end.checked_sub(1)?;
        loop {
            if !self.kind(at).is_name() {
                return None;
            }
            names.push(self.name(at));
            if at == 0 || self.kind(at - 1) != TokenKind::Dot {
                break;
            }
            at = at.checked_sub(2)?;
        }
        names.reverse();
        Some(names)
    }

    /// Adds the attributes of the value before a dot.
    fn add_attributes(&mut self, dot: usize) -> Site {
        let Some(names) = self.dotted_before(dot) else {
            return Site::Attribute;
        };
        let is_self = names.len() == 1
            && self.resolver.inputs.names.token_kind(names[0]) == TokenKind::SelfOrCls;
        match self.resolver.resolve_dotted(&names) {
            Some(Resolution::Class(class)) => {
                self.add_class(class, &mut Vec::new());
                if is_self {
                    self.add_unfinished_class(class);
                    Site::OwnAttribute
                } else {
                    Site::Attribute
                }
            }
            Some(Resolution::Module(module)) => {
                self.add_module(module, &mut Vec::new());
                Site::ModuleAttribute
            }
            Some(Resolution::Package(package)) => {
                self.add_package(Some(package));
                Site::ModuleAttribute
            }
            _ if is_self => Site::OwnAttribute,
            _ => Site::Attribute,
        }
    }
}
