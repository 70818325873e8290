internal import CTLS
internal import Synchronization

/// A certificate with its chain, and the private key to it.
public struct TLSIdentity: Sendable {
  /// PEM: the certificate, then those that lead from it to its authority.
  public var chain: [UInt8]
  /// PEM, not encrypted.
  public var key: Secret

  public init(chain: [UInt8], key: Secret) {
    self.chain = chain
    self.key = key
  }
}

/// Certificates of authorities. Contexts that trust the same ones share one object, which for a system's list is large.
@safe
public final class TLSAuthorities: Sendable {
  fileprivate nonisolated(unsafe) let raw: OpaquePointer

  /// - Parameter pem: any number of certificates in PEM form; what is around them is ignored.
  /// - Throws: `TLSProblem.noAuthority` when there is none.
  public init(pem: [UInt8]) throws(TLSProblem) {
    let made = unsafe pem.withUnsafeBytes { bytes in
      unsafe tls_authorities_make(bytes.baseAddress, bytes.count)
    }
    guard let made = unsafe made else { throw .noAuthority }
    unsafe raw = made
  }

  deinit { unsafe tls_authorities_release(raw) }
}

public enum TLSVersion: String, Sendable, CaseIterable {
  case tls12 = "1.2"
  case tls13 = "1.3"

  var raw: tls_version { self == .tls12 ? tls_version_1_2 : tls_version_1_3 }
}

/// What TLS connections of one listener, or to one server, have in common: immutable, shared by all workers.
///
/// Connections that were begun with it keep what they need of it, so it can be replaced at any time: new connections take
/// the newer one, and those under way go on. Session tickets are under keys of this object alone.
@safe
public final class TLSContext: Sendable {
  nonisolated(unsafe) let raw: OpaquePointer

  /// For a listener.
  /// - Parameters:
  ///   - identities: the first is for clients that ask for no name, or for one that none of them is for (SNI).
  ///   - clientAuthorities: when given, a client must present a certificate that comes from one of these.
  public init(
    listenerWith identities: [TLSIdentity], minimum: TLSVersion = .tls12,
    clientAuthorities: TLSAuthorities? = nil
  ) throws(TLSProblem) {
    precondition(!identities.isEmpty, "a listener needs a certificate")
    var first: OpaquePointer? = nil
    do throws(TLSProblem) {
      for identity in identities {
        let context = unsafe try TLSContext.listener(identity, minimum, clientAuthorities)
        guard let main = unsafe first else {
          unsafe first = context
          continue
        }
        if let problem = unsafe TLSProblem(tls_context_add(main, context)) {
          unsafe tls_context_release(context)
          throw problem
        }
      }
    } catch {
      if let first = unsafe first { unsafe tls_context_release(first) }
      throw error
    }
    unsafe raw = first!
  }

  /// For connections to a server.
  /// - Parameters:
  ///   - name: a host name, or a numeric address: what the server's certificate must be for.
  ///   - authorities: the server's certificate must come from one of these.
  ///   - identity: what the gateway presents to a server that asks.
  public init(
    serverNamed name: String, isAddress: Bool, authorities: TLSAuthorities,
    identity: TLSIdentity? = nil, minimum: TLSVersion = .tls12
  ) throws(TLSProblem) {
    guard let context = unsafe tls_context_make(false, minimum.raw) else { throw .noMemory }
    do throws(TLSProblem) {
      unsafe tls_context_trust(context, authorities.raw)
      if let problem = unsafe TLSProblem(tls_context_expect(context, name, isAddress)) {
        throw problem
      }
      if let identity { unsafe try TLSContext.use(identity, context) }
    } catch {
      unsafe tls_context_release(context)
      throw error
    }
    unsafe raw = context
  }

  deinit { unsafe tls_context_release(raw) }

  private static func listener(
    _ identity: TLSIdentity, _ minimum: TLSVersion, _ clientAuthorities: TLSAuthorities?
  ) throws(TLSProblem) -> OpaquePointer {
    guard let context = unsafe tls_context_make(true, minimum.raw) else { throw .noMemory }
    do throws(TLSProblem) {
      unsafe try use(identity, context)
      if let clientAuthorities {
        unsafe tls_context_trust(context, clientAuthorities.raw)
        unsafe tls_context_require_client(context)
      }
    } catch {
      unsafe tls_context_release(context)
      throw error
    }
    return unsafe context
  }

  private static func use(_ identity: TLSIdentity, _ context: OpaquePointer) throws(TLSProblem) {
    let problem = unsafe identity.chain.withUnsafeBytes { chain in
      identity.key.reveal { key in
        unsafe key.withUnsafeBytes { key in
          unsafe tls_context_use(
            context, chain.baseAddress, chain.count, key.baseAddress, key.count)
        }
      }
    }
    if let problem = TLSProblem(problem) { throw problem }
  }

  /// When the (first) certificate ends, in seconds since 1970; nil without one.
  public var certificateEnds: Int64? {
    let seconds = unsafe tls_context_ends(raw)
    return seconds == 0 ? nil : seconds
  }

  /// The context as a plain value, for tables that workers copy. Valid as long as somebody keeps the object.
  public var reference: TLSContextReference { unsafe TLSContextReference(raw: raw) }
}

/// A `TLSContext` that somebody else keeps alive.
@safe
public struct TLSContextReference: BitwiseCopyable, Sendable {
  nonisolated(unsafe) let raw: OpaquePointer
}
