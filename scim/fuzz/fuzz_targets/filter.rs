//! A filter that is read, is read the same after printing, and can be run wherever it resolves.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use scim::{Filter, Kind};
use scim_fuzz::{GROUP, USER, at_the_limits, represent};
use serde_json::Value;

static REPRESENTATIONS: LazyLock<[Value; 2]> = LazyLock::new(|| [represent(&USER), represent(&GROUP)]);

fuzz_target!(|text: &str| {
    let Ok(filter) = Filter::parse(text) else { return };
    let printed = filter.to_string();
    if !at_the_limits(&printed) {
        assert_eq!(Filter::parse(&printed).as_ref(), Ok(&filter), "{printed}");
    }
    for kind in Kind::ALL {
        let Ok(resolved) = filter.clone().resolve(kind) else { continue };
        let matched = REPRESENTATIONS.each_ref().map(|resource| resolved.matches(resource));
        let printed = resolved.to_string();
        if at_the_limits(&printed) {
            continue;
        }
        let again = Filter::parse(&printed).and_then(|filter| filter.resolve(kind));
        assert_eq!(again.as_ref(), Ok(&resolved), "{printed}");
        let matched_again = REPRESENTATIONS.each_ref().map(|resource| again.as_ref().is_ok_and(|filter| filter.matches(resource)));
        assert_eq!(matched, matched_again);
    }
});
