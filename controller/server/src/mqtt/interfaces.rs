//! Topic prefixes: the site's, and those of robots whose profile names another.

use std::collections::{BTreeMap, BTreeSet};

use drover_core::RobotName;
use drover_maps::Layout;

/// Which prefix each robot's topics have.
#[derive(Clone, Debug, Default)]
pub struct Interfaces {
    site: String,
    robots: BTreeMap<RobotName, String>,
    /// Of robots that no `[[robot]]` names, by their manufacturer.
    makers: BTreeMap<String, String>,
}

impl Interfaces {
    /// The site's own prefix and those of the layout's profiles.
    #[must_use]
    pub fn of(site: &str, layout: Option<&Layout>) -> Self {
        let mut interfaces = Self { site: site.to_owned(), ..Self::default() };
        let Some(layout) = layout else { return interfaces };
        for robot in layout.robots() {
            let profile = layout.profile_of(&robot.manufacturer, &robot.serial);
            let prefix = profile.and_then(|profile| profile.interface.as_deref()).unwrap_or(site);
            let name = RobotName { manufacturer: robot.manufacturer.clone(), serial: robot.serial.clone() };
            interfaces.robots.insert(name, prefix.to_owned());
        }
        for profile in layout.profiles() {
            if let (Some(maker), Some(prefix)) = (&profile.manufacturer, &profile.interface) {
                interfaces.makers.entry(maker.clone()).or_insert_with(|| prefix.clone());
            }
        }
        interfaces
    }

    /// All prefixes, each once.
    #[must_use]
    pub fn all(&self) -> BTreeSet<&str> {
        let others = self.robots.values().chain(self.makers.values()).map(String::as_str);
        others.chain([self.site.as_str()]).collect()
    }

    /// The prefix of this robot's topics.
    #[must_use]
    pub fn of_robot(&self, robot: &RobotName) -> &str {
        let named = self.robots.get(robot).or_else(|| self.makers.get(&robot.manufacturer));
        named.unwrap_or(&self.site)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_robot_has_its_profiles_prefix_else_its_makers_else_the_sites() {
        let lif = br#"{"metaInformation":{"lifVersion":"1.0.0"},"layouts":[{"layoutId":"L","nodes":[{"nodeId":"a",
            "nodePosition":{"x":0,"y":0},"vehicleTypeNodeProperties":[{"vehicleTypeId":"t"}]}],"edges":[]}]}"#;
        let site = r#"
            [[profile]]
            name = "acme"
            manufacturer = "acme"
            interface = "vda5050"
            [[profile]]
            name = "plain"
            [[robot]]
            manufacturer = "acme"
            serial = "1"
            profile = "plain"
        "#;
        let layout = drover_maps::compile(lif, Some(site)).unwrap().layout;
        let interfaces = Interfaces::of("uagv", Some(&layout));
        let of = |manufacturer: &str, serial: &str| {
            interfaces.of_robot(&RobotName { manufacturer: manufacturer.into(), serial: serial.into() })
        };
        assert_eq!([of("acme", "1"), of("acme", "2"), of("other", "1")], ["uagv", "vda5050", "uagv"]);
        assert!(interfaces.all().into_iter().eq(["uagv", "vda5050"]));
        assert!(Interfaces::of("uagv", None).all().into_iter().eq(["uagv"]));
    }
}
