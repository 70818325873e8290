import Audit
import EventLoop
import Foundation
import Proxy
import SluiceConfiguration

extension GatewaySettings {
  /// What the file (and the flags) say about threads, memory and bounds.
  init(_ configuration: Configuration) throws(ServiceFailure) {
    self.init()
    workers = configuration.workers.count ?? ProcessInfo.processInfo.activeProcessorCount
    io =
      switch configuration.workers.inputOutput {
      case .auto: .automatic
      case .ioUring: .ioUring
      case .epoll: .epoll
      }
    pinsCPUs = configuration.workers.pinsCPUs
    backlog = configuration.workers.backlog
    bufferBytes = configuration.workers.bufferBytes
    ringEntries = configuration.workers.ringEntries
    connectionsMax = configuration.limits.connectionsMax
    recordsBodies = configuration.audit.contents == .full
    limits = GatewayLimits(configuration.limits)
    hasInnerListeners = true
    holdsCalls = configuration.store != nil
    approvalAddress = configuration.approvals.url ?? ""
    if recordsBodies {
      // A request must fit the audit ring (half of it, less its entry's head): what could not be recorded is refused
      // as too large from the start, with 413.
      limits.bodyBytesMax = min(
        limits.bodyBytesMax, configuration.audit.ringBytes / 2 - 16384)
    }
    for (number, listener) in configuration.listeners.enumerated() {
      if listener.tls != nil { tlsListeners.insert(number) }
      listeners.append(try NumericAddress.make(listener.address.description))
    }
  }
}

extension GatewayLimits {
  init(_ limits: LimitsConfiguration) {
    self.init()
    func nanoseconds(_ milliseconds: Int) -> UInt64 { UInt64(milliseconds) * 1_000_000 }
    headBytesMax = limits.headBytesMax
    bodyBytesMax = limits.requestBytesMax
    messageBytesMax = limits.responseHeldBytesMax
    streamedBytesMax = limits.responseBytesMax
    depthMax = limits.jsonDepthMax
    handshakeTime = nanoseconds(limits.handshakeMilliseconds)
    headTime = nanoseconds(limits.headMilliseconds)
    bodyTime = nanoseconds(limits.bodyMilliseconds)
    keepAliveTime = nanoseconds(limits.idleMilliseconds)
    sendTime = nanoseconds(limits.writeMilliseconds)
    connectTime = nanoseconds(limits.connectMilliseconds)
    connectFailuresMax = limits.connectFailuresMax
    unreachableTime = nanoseconds(limits.unreachableMilliseconds)
    firstByteTime = nanoseconds(limits.firstByteMilliseconds)
    answerIdleTime = nanoseconds(limits.streamIdleMilliseconds)
    upstreamIdleTime = nanoseconds(limits.upstreamIdleMilliseconds)
    upstreamMax = limits.upstreamConnectionsMax
    upstreamIdleMax = limits.upstreamIdleConnectionsMax
    aheadBytesMax = limits.pipelineBytesMax
    streamAheadBytesMax = limits.streamBacklogBytesMax
    workerMemoryMax = limits.workerMemoryBytesMax
    heldCallsMax = limits.heldCallsMax
    holdTime = nanoseconds(limits.approvalWaitMilliseconds)
    holdLegTime = nanoseconds(limits.approvalLegMilliseconds)
  }
}

extension AuditSettings {
  init(_ configuration: AuditConfiguration) {
    self.init(directory: configuration.directory)
    segmentBytesMax = configuration.segmentBytesMax
    ringBytes = configuration.ringBytes
    durability =
      switch configuration.durability {
      case .interval: .interval(milliseconds: configuration.intervalMilliseconds)
      case .synced: .synced
      }
    onFailure =
      switch configuration.onFailure {
      case .failClosed: .failClosed
      case .dropAndCount: .dropAndCount
      }
  }
}
