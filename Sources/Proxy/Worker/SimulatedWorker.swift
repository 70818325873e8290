public import Audit
public import EventLoop

/// One worker on a simulated network, turned by hand: what deterministic tests and instruction counts run.
public struct SimulatedWorker: ~Copyable {
  private var worker: Worker
  private let control = WorkerControl()

  /// - Parameters:
  ///   - settings: its listeners' ports are those of the simulated network.
  ///   - audit: where calls are recorded, made for one worker; nil for nowhere.
  ///   - heldCalls: where held calls are told of; nil when none can be held.
  public init(
    network: SimulatedNetwork, settings: GatewaySettings, snapshot: GatewaySnapshot,
    audit: AuditLog?, heldCalls: HeldCalls? = nil
  ) throws(IOError) {
    let loop = EventLoop(simulating: network, settings: Gateway.loopSettings(settings))
    var made = Worker(
      loop: loop, settings: settings, snapshot: snapshot,
      recording: Recording(
        audit?.producer(worker: 0, wakeDescriptor: -1), keepsBodies: settings.recordsBodies),
      control: control, sealer: SessionSealer(key: SessionSealer.makeKey()), heldCalls: heldCalls)
    _ = try made.listen(on: settings.listeners, backlog: settings.backlog)
    worker = made
  }

  /// Puts another snapshot in force, from the next turn on.
  public func publish(_ snapshot: GatewaySnapshot) { control.offer(snapshot) }

  /// One turn of the loop: wait, then everything that happened.
  public mutating func turn() { _ = worker.turn() }
}
