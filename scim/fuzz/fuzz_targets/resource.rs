//! A body that makes a resource makes one in canonical form, whose representation makes the same resource.

#![no_main]

use libfuzzer_sys::fuzz_target;
use scim::{Kind, Notes, Resource, json};
use scim_fuzz::check_canonical;

fuzz_target!(|bytes: &[u8]| {
    let Ok(body) = json::parse(bytes) else { return };
    for kind in Kind::ALL {
        for attribute in ["active", "members", "externalId", "manager"] {
            let _ = Resource::names(kind, &body, attribute);
        }
        let mut notes = Notes::new();
        let Ok(resource) = Resource::parse(kind, &body, &mut notes) else { continue };
        check_canonical(&resource);
        let text = serde_json::to_vec(resource.attributes()).expect("JSON");
        let stored = json::parse(&text).expect("what is stored can be read");
        assert_eq!(Some(resource.attributes()), stored.as_object());
        let _ = (resource.primary("emails"), resource.text("name.givenName"), resource.flag("active"));
    }
});
