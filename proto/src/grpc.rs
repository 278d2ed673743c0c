//! The gRPC contract, generated from `drover/v1/*.proto`: client and server code, and the descriptors that
//! reflection hands out.

/// Descriptors of every file of the contract, as an encoded `FileDescriptorSet`.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/drover_v1.bin"));

/// Package `drover.v1`.
#[expect(
    missing_docs,
    unused_qualifications,
    clippy::allow_attributes,
    clippy::large_enum_variant,
    reason = "generated; the comments are those of the .proto files"
)]
pub mod v1 {
    include!(concat!(env!("OUT_DIR"), "/drover.v1.rs"));
}

#[cfg(test)]
mod tests {
    use super::v1;

    #[test]
    fn states_have_the_same_words_as_job_events() {
        for state in crate::event::JobState::ALL {
            let name = format!("JOB_STATE_{}", state.as_str().to_uppercase());
            assert!(v1::JobState::from_str_name(&name).is_some(), "{name}");
        }
    }

    #[test]
    fn the_descriptors_name_every_service() {
        let text = String::from_utf8_lossy(super::FILE_DESCRIPTOR_SET);
        for service in ["AuditService", "FleetService", "FloorService", "JobService", "SiteService"] {
            assert!(text.contains(service), "{service}");
        }
    }
}
