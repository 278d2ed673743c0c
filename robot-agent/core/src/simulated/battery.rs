//! Energy in whole millijoules, so that many small steps and one big one add up to the same.

use crate::spec::BatterySpec;

const MJ_PER_WH: i64 = 3_600_000;

/// Power flows by what the robot does.
#[derive(Clone, Debug)]
pub(crate) struct Battery {
    spec: Option<BatterySpec>,
    energy_mj: i64,
    pub driving: bool,
    pub charging: bool,
}

impl Battery {
    pub fn new(spec: Option<BatterySpec>, charge_permille: u16) -> Self {
        let full = spec.map_or(0, |spec| i64::from(spec.capacity_wh) * MJ_PER_WH);
        let energy_mj = full / 1_000 * i64::from(charge_permille.min(1_000));
        Self { spec, energy_mj, driving: false, charging: false }
    }

    pub fn advance(&mut self, dt_ms: u64) {
        let Some(spec) = self.spec else { return };
        let full = i64::from(spec.capacity_wh) * MJ_PER_WH;
        let flow = self.power_w(spec).saturating_mul(i64::try_from(dt_ms).unwrap_or(i64::MAX));
        self.energy_mj = self.energy_mj.saturating_add(flow).clamp(0, full);
    }

    pub fn is_empty(&self) -> bool {
        self.spec.is_some() && self.energy_mj == 0 && !self.charging
    }

    /// How long the charge lasts if nothing changes.
    pub fn empty_in_ms(&self) -> Option<u64> {
        let power = self.power_w(self.spec?);
        if power >= 0 || self.energy_mj == 0 {
            return None;
        }
        u64::try_from((self.energy_mj - power - 1) / -power).ok()
    }

    /// Percent; 100 without a battery.
    pub fn charge_pct(&self) -> f64 {
        let Some(spec) = self.spec else { return 100.0 };
        let full = i64::from(spec.capacity_wh) * MJ_PER_WH;
        if full == 0 { 0.0 } else { self.energy_mj as f64 * 100.0 / full as f64 }
    }

    pub fn set_charge(&mut self, charge_permille: u16) {
        let (driving, charging) = (self.driving, self.charging);
        *self = Self { driving, charging, ..Self::new(self.spec, charge_permille) };
    }

    fn power_w(&self, spec: BatterySpec) -> i64 {
        match (self.charging, self.driving) {
            (true, _) => i64::from(spec.charge_w),
            (false, true) => -i64::from(spec.drive_w),
            (false, false) => -i64::from(spec.idle_w),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Battery;
    use crate::spec::BatterySpec;

    #[test]
    fn an_hour_of_driving_takes_an_hour_of_power() {
        let spec = BatterySpec { capacity_wh: 1_000, drive_w: 250, idle_w: 20, charge_w: 500 };
        let mut battery = Battery::new(Some(spec), 1_000);
        battery.driving = true;
        assert_eq!(battery.empty_in_ms(), Some(4 * 3_600_000));
        battery.advance(3_600_000);
        assert!((battery.charge_pct() - 75.0).abs() < 1e-9);
        battery.advance(3 * 3_600_000);
        assert!(battery.is_empty());
        battery.charging = true;
        battery.advance(3_600_000);
        assert!((battery.charge_pct() - 50.0).abs() < 1e-9);
    }
}
