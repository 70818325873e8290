internal import Approvals
internal import Audit
internal import EventLoop
internal import Identity
internal import Outbound
internal import Policy
internal import Proxy
internal import Recorder
internal import SluiceConfiguration
internal import StdioBridge

/// What runs beside the workers: loading and reloading the configuration, keys, secrets, approvals, sinks.
public enum ControlPlane {}
