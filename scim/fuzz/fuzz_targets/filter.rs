//! A filter that is read, is read the same after printing, and can be run wherever it resolves.

#![no_main]

use libfuzzer_sys::fuzz_target;
use scim::{Filter, Kind};
use scim_fuzz::{at_the_limits, group, represent, user};

fuzz_target!(|text: &str| {
    let Ok(filter) = Filter::parse(text) else { return };
    let printed = filter.to_string();
    if !at_the_limits(&printed) {
        assert_eq!(Filter::parse(&printed).as_ref(), Ok(&filter), "{printed}");
    }
    for kind in Kind::ALL {
        let Ok(resolved) = filter.clone().resolve(kind) else { continue };
        let matched = [user(), group()].map(|resource| resolved.matches(&represent(&resource)));
        let printed = resolved.to_string();
        if at_the_limits(&printed) {
            continue;
        }
        let again = Filter::parse(&printed).and_then(|filter| filter.resolve(kind));
        assert_eq!(again.as_ref(), Ok(&resolved), "{printed}");
        let matched_again = [user(), group()].map(|resource| again.as_ref().is_ok_and(|filter| filter.matches(&represent(&resource))));
        assert_eq!(matched, matched_again);
    }
});
