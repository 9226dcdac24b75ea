//! AWS's error codes and what they mean to a caller.
//!
//! Sources: \[E\] <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html> (EC2),
//! \[C\] <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/CommonErrors.html> (all query services),
//! \[S\] <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html> (S3),
//! \[R\] <https://docs.aws.amazon.com/Route53/latest/APIReference/CommonErrors.html> and each action's page (Route 53),
//! \[L\] <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/CommonErrors.html> and each action's page
//! (load balancers).

/// What a code means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    Unauthenticated,
    Denied,
    RateLimited,
    Quota,
    Conflict,
    Unavailable,
    TimedOut,
    Unsupported,
    /// An argument cannot be used; AWS's words say which.
    Invalid,
    /// This field of the contract cannot be used.
    InvalidField(&'static str),
    /// There is no such thing of this noun.
    NotFound(&'static str),
    /// There is such a thing of this noun already.
    AlreadyExists(&'static str),
}

/// What this code means; none when it is not known.
pub(crate) fn meaning(code: &str) -> Option<Meaning> {
    exact(code)
        .or_else(|| of_a_thing(code))
        .or_else(|| by_thing(code))
        .or_else(|| by_ending(code))
}

fn exact(code: &str) -> Option<Meaning> {
    Some(match code {
        // [E], [C]: keys and signatures. `RequestExpired` and [S] `RequestTimeTooSkewed` are a clock that is wrong.
        "AuthFailure"
        | "Blocked"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "IncompleteSignature"
        | "InvalidAccessKeyId"
        | "InvalidClientTokenId"
        | "InvalidSecurity"
        | "InvalidSignatureException"
        | "InvalidToken"
        | "MissingAuthenticationToken"
        | "RequestExpired"
        | "RequestTimeTooSkewed"
        | "SignatureDoesNotMatch"
        | "TokenRefreshRequired"
        | "UnrecognizedClientException" => Meaning::Unauthenticated,
        // [E], [C], [S]
        "AccessDenied"
        | "AccessDeniedException"
        | "AllAccessDisabled"
        | "NotAuthorized"
        | "OptInRequired"
        | "PendingVerification"
        | "UnauthorizedOperation" => Meaning::Denied,
        // [E] "RequestLimitExceeded", [C] "ThrottlingException", [S] "SlowDown", [R] "PriorRequestNotComplete": the
        // request was not begun.
        "BandwidthLimitExceeded"
        | "EC2ThrottledException"
        | "PriorRequestNotComplete"
        | "RequestLimitExceeded"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "SlowDown"
        | "Throttling"
        | "ThrottlingException"
        | "TooManyRequestsException" => Meaning::RateLimited,
        // [E]: AWS has no room for it now, or the account's limit is reached.
        "InsufficientAddressCapacity"
        | "InsufficientCapacity"
        | "InsufficientCapacityOnHost"
        | "InsufficientFreeAddressesInSubnet"
        | "InsufficientHostCapacity"
        | "InsufficientInstanceCapacity"
        | "InsufficientReservedInstanceCapacity"
        | "InsufficientVolumeCapacity"
        | "MaxSpotInstanceCountExceeded"
        | "ReservationCapacityExceeded"
        | "ResourceCountExceeded"
        | "ResourceLimitExceeded"
        | "TooManyBuckets"
        | "TooManyHostedZones" => Meaning::Quota,
        // [E]: the state does not allow it, or something else holds it. `OperationNotPermitted` is termination or stop
        // protection.
        "BucketNotEmpty"
        | "DependencyViolation"
        | "HostedZoneNotEmpty"
        | "IncorrectInstanceState"
        | "IncorrectModificationState"
        | "IncorrectSpotRequestState"
        | "IncorrectState"
        | "IncorrectStateException"
        | "NetworkInterfaceInUse"
        | "OperationAborted"
        | "OperationNotPermitted"
        | "ResourceInUse"
        | "VolumeInUse"
        | "VolumeModificationRateExceeded" => Meaning::Conflict,
        // [C]
        "ServiceUnavailable" | "Unavailable" => Meaning::Unavailable,
        "RequestTimeout" | "RequestTimeoutException" => Meaning::TimedOut,
        // [E], [C]: this cloud, region or version has no such action, or not for this.
        "InvalidAction"
        | "MethodNotAllowed"
        | "NotImplemented"
        | "Unsupported"
        | "UnsupportedOperation"
        | "UnknownOperationException" => Meaning::Unsupported,
        // [E]: a client token used again for something else.
        "IdempotentParameterMismatch" | "IdempotentInstanceTerminated" => Meaning::InvalidField("idempotency-key"),
        _ => return None,
    })
}

/// Codes that are about one field or one kind of thing.
fn of_a_thing(code: &str) -> Option<Meaning> {
    Some(match code {
        // [E], [C]
        "InvalidAMIName.Malformed"
        | "InvalidInput"
        | "InvalidParameter"
        | "InvalidParameterCombination"
        | "InvalidParameterValue"
        | "InvalidRequest"
        | "MalformedXML"
        | "MissingParameter"
        | "UnknownParameter"
        | "ValidationError" => Meaning::Invalid,
        "InvalidUserData.Malformed" => Meaning::InvalidField("user-data"),
        "InvalidKey.Format" => Meaning::InvalidField("ssh-keys"),
        "InvalidInstanceType" => Meaning::InvalidField("flavor"),
        "VPCIdNotSpecified" | "DefaultVpcDoesNotExist" => Meaning::InvalidField("nics.network"),
        "InvalidZone.NotFound" => Meaning::InvalidField("location"),
        "InvalidBlockDeviceMapping" => Meaning::InvalidField("disks"),
        // [E] `CreateSubnet`, `CreateVpc`.
        "InvalidSubnet.Conflict" => Meaning::Conflict,
        "InvalidSubnet.Range" => Meaning::InvalidField("cidr"),
        "InvalidVpc.Range" => Meaning::InvalidField("cidrs"),
        // [R]
        "InvalidChangeBatch" => Meaning::InvalidField("values"),
        "InvalidDomainName" => Meaning::InvalidField("name"),
        "InvalidTagKey.Malformed" | "TagLimitExceeded" => Meaning::InvalidField("metadata"),
        // [S]
        "BucketAlreadyExists" | "BucketAlreadyOwnedByYou" => Meaning::AlreadyExists("bucket"),
        "NoSuchBucket" => Meaning::NotFound("bucket"),
        "NoSuchKey" => Meaning::NotFound("bucket-object"),
        // [R]
        "NoSuchHostedZone" => Meaning::NotFound("dns-zone"),
        "NoSuchChange" => Meaning::NotFound("operation"),
        // [L]
        "LoadBalancerNotFound" => Meaning::NotFound("load-balancer"),
        "DuplicateTargetGroupName" => Meaning::Conflict,
        "CertificateNotFound" | "InvalidCertificate" | "UnsupportedCertificate" => {
            Meaning::InvalidField("certificate_arn")
        }
        "InvalidSubnet" | "SubnetNotFound" => Meaning::InvalidField("network"),
        "InvalidSecurityGroup" => Meaning::InvalidField("security_groups"),
        "TargetGroupNotFound" => Meaning::NotFound("target-group"),
        "InvalidTarget" => Meaning::InvalidField("members"),
        "InvalidConfigurationRequest" => Meaning::InvalidField("listeners"),
        "DuplicateLoadBalancerName" => Meaning::AlreadyExists("load-balancer"),
        _ => return None,
    })
}

/// Codes of EC2 that name the thing first: `InvalidInstanceID.NotFound` \[E\].
fn by_thing(code: &str) -> Option<Meaning> {
    let (thing, what) = code.split_once('.')?;
    let noun = match thing {
        "InvalidInstanceID" => "vm",
        "InvalidVolume" | "InvalidVolumeID" => "disk",
        "InvalidAMIID" | "InvalidAMIName" => "image",
        "InvalidSnapshot" | "InvalidSnapshotID" => "snapshot",
        "InvalidSubnet" | "InvalidSubnetID" => "subnet",
        "InvalidVpc" | "InvalidVpcID" => "network",
        "InvalidGroup" | "InvalidGroupId" | "InvalidSecurityGroupID" => "security-group",
        "InvalidNetworkInterface" | "InvalidNetworkInterfaceID" | "InvalidNetworkInterfaceId" => "nic",
        "InvalidKeyPair" => "key-pair",
        "InvalidAttachmentID" | "InvalidAttachment" => "disk",
        _ => return None,
    };
    Some(match what {
        // An id of the wrong shape is nobody's id.
        "NotFound" | "Unknown" | "Malformed" | "Unavailable" => Meaning::NotFound(noun),
        "Duplicate" => Meaning::AlreadyExists(noun),
        "InUse" | "ZoneMismatch" | "NotLinkable" => Meaning::Conflict,
        _ => return None,
    })
}

fn by_ending(code: &str) -> Option<Meaning> {
    // [E] `InstanceLimitExceeded`, `VcpuLimitExceeded`, `VolumeLimitExceeded`, `VpcLimitExceeded` …
    if code.ends_with("LimitExceeded") || code.ends_with("QuotaExceeded") {
        return Some(Meaning::Quota);
    }
    if code.ends_with(".Malformed") || code.starts_with("InvalidParameter") {
        return Some(Meaning::Invalid);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_documented_code_means_what_a_caller_acts_on() {
        for (code, expected) in [
            ("RequestExpired", Meaning::Unauthenticated),
            ("UnauthorizedOperation", Meaning::Denied),
            ("RequestLimitExceeded", Meaning::RateLimited),
            ("VcpuLimitExceeded", Meaning::Quota),
            ("InsufficientInstanceCapacity", Meaning::Quota),
            ("IncorrectInstanceState", Meaning::Conflict),
            ("InvalidVolume.NotFound", Meaning::NotFound("disk")),
            ("InvalidVolumeID.Malformed", Meaning::NotFound("disk")),
            ("InvalidVolume.ZoneMismatch", Meaning::Conflict),
            ("InvalidAMIName.Duplicate", Meaning::AlreadyExists("image")),
            ("InvalidGroup.InUse", Meaning::Conflict),
            ("InvalidAction", Meaning::Unsupported),
            ("InvalidParameterDependency", Meaning::Invalid),
        ] {
            assert_eq!(meaning(code), Some(expected), "{code}");
        }
        assert_eq!(meaning("InternalError"), None);
    }
}
