import Wire

extension PolicyProgram {
  /// Why a `subscriptions/listen` is refused; nil when everything it asks for may be had.
  ///
  /// What it asks for stands in `notifications`: flags for changes of lists, which may be had, and `resourceSubscriptions`, a
  /// list of URIs, each of which is judged as a read of that resource. Any other key is refused: nobody can say what a
  /// server gives for it.
  func refusal(
    ofListening call: PolicyCall, _ principal: borrowing Principal, _ server: ServerID,
    _ index: borrowing JSONIndex, _ bytes: RawSpan, _ scratch: inout PolicyScratch
  ) -> Refusal? {
    guard call.hasID else { return Refusal(.callWithoutID) }
    guard let wanted = call.target, index.kind(of: wanted, in: bytes) == .object else {
      return Refusal(.unreadableName)
    }
    var member = index.firstMember(of: wanted, in: bytes)
    while let key = member {
      if index.equals(key, "resourceSubscriptions", in: bytes) {
        let list = index.value(ofKey: key)
        if let refusal = refusal(ofListening: list, call, principal, server, index, bytes, &scratch)
        {
          return refusal
        }
      } else if !index.equals(key, "toolsListChanged", in: bytes),
        !index.equals(key, "promptsListChanged", in: bytes),
        !index.equals(key, "resourcesListChanged", in: bytes)
      {
        return Refusal(.methodNotAllowed)
      }
      member = index.nextMember(after: key, in: bytes)
    }
    return nil
  }

  private func refusal(
    ofListening list: JSONToken, _ call: PolicyCall, _ principal: borrowing Principal,
    _ server: ServerID, _ index: borrowing JSONIndex, _ bytes: RawSpan,
    _ scratch: inout PolicyScratch
  ) -> Refusal? {
    if index.kind(of: list, in: bytes) == .null { return nil }
    guard index.kind(of: list, in: bytes) == .array else { return Refusal(.unreadableName) }
    var element = index.firstElement(of: list, in: bytes)
    while let uri = element {
      let read = PolicyCall(method: .resourcesRead, hasID: call.hasID, target: uri)
      let verdict = decide(
        principal: principal, server: server, call: read, index: index, bytes: bytes,
        scratch: &scratch)
      switch consume verdict {
      case .block(let refusal): return refusal
      case .hold(let hold): return Refusal(.rule, rule: hold.rule)
      case .allow: break
      }
      element = index.nextElement(after: uri, in: bytes)
    }
    return nil
  }
}
