public import Wire

extension PolicyProgram {
  /// Judges one call.
  ///
  /// - Parameters:
  ///   - principal: the caller, made by this program.
  ///   - server: the server the call is for.
  ///   - call: where the message's parts are, from the same `index`.
  ///   - bytes: the message that `index` was read from.
  ///   - scratch: working memory made for this program; another program's is a programmer's mistake.
  public func decide(
    principal: borrowing Principal,
    server: ServerID,
    call: PolicyCall,
    index: borrowing JSONIndex,
    bytes: RawSpan,
    scratch: inout PolicyScratch
  ) -> Verdict {
    precondition(scratch.program === self, "scratch of another program")
    let row = row(server, .tool)
    guard let profile = principal.profiles.firstCommon(with: row.profiles) else {
      return .block(Refusal(.noProfile))
    }
    switch call.method {
    case .toolsCall:
      return decide(.tool, principal, server, row, call, index, bytes, &scratch)
    case .promptsGet, .completionOfPrompt:
      let row = self.row(server, .prompt)
      return decide(.prompt, principal, server, row, call, index, bytes, &scratch)
    case .resourcesRead, .resourcesSubscribe, .resourcesUnsubscribe, .completionOfResource:
      let row = self.row(server, .resource)
      return decide(.resource, principal, server, row, call, index, bytes, &scratch)
    case .subscriptionsListen:
      if let refusal = refusal(
        ofListening: call, principal, server, index, bytes, &scratch)
      {
        return .block(refusal)
      }
      let masks = masksOutsideCalls(principal: principal, server: server)
      return permit(
        principal, server, call.method, rule: nil, profile: UInt32(profile), masks: masks)
    case .session, .toolsList, .promptsList, .resourcesList, .resourcesTemplatesList:
      // A session's stream carries what any of its calls set off; a list describes what any call may answer.
      let masks = masksOutsideCalls(principal: principal, server: server)
      return permit(
        principal, server, call.method, rule: nil, profile: UInt32(profile), masks: masks)
    case .initialize, .ping, .notification, .serverDiscover, .loggingSetLevel, .clientAnswer:
      let masks = masksOfServer(row, principal, &scratch)
      return permit(
        principal, server, call.method, rule: nil, profile: UInt32(profile), masks: masks)
    case .listed:
      guard call.hasID else { return .block(Refusal(.callWithoutID)) }
      // No rule names it, so whatever any rule hides is hidden.
      let masks = masksOutsideCalls(principal: principal, server: server)
      return permit(
        principal, server, call.method, rule: nil, profile: UInt32(profile), masks: masks)
    case .other:
      return .block(Refusal(.methodNotAllowed))
    }
  }

  private func permit(
    _ principal: borrowing Principal, _ server: ServerID, _ method: CallMethod, rule: RuleID?,
    profile: UInt32, masks: MaskRuleSet
  ) -> Verdict {
    let call = PermittedCall(
      server: server, principal: principal.index, method: method, rule: rule,
      profile: ProfileID(index: profile), masks: masks)
    return .allow(Permit(call: call))
  }

  // MARK: Calls of tools, prompts and resources

  private func decide(
    _ primitive: Primitive, _ principal: borrowing Principal, _ server: ServerID, _ row: ServerRow,
    _ call: PolicyCall,
    _ index: borrowing JSONIndex, _ bytes: RawSpan, _ scratch: inout PolicyScratch
  ) -> Verdict {
    guard call.hasID else { return .block(Refusal(.callWithoutID)) }
    let unreadable: RefusalReason = primitive == .tool ? .unreadableToolName : .unreadableName
    guard let token = call.target, index.kind(of: token, in: bytes) == .string else {
      return .block(Refusal(unreadable))
    }
    guard index.hasEscapes(token, in: bytes) else {
      let name = bytes.extracting(index.contents(of: token).range)
      return decide(primitive, name, principal, server, row, call, index, bytes, &scratch)
    }
    var buffer = scratch.nameBuffer()
    index.decode(token, in: bytes, into: &buffer)
    guard !buffer.overflowed else { return .block(Refusal(unreadable)) }
    return decide(
      primitive, buffer.written, principal, server, row, call, index, bytes, &scratch)
  }

  private func decide(
    _ primitive: Primitive, _ name: RawSpan, _ principal: borrowing Principal, _ server: ServerID,
    _ row: ServerRow,
    _ call: PolicyCall, _ index: borrowing JSONIndex, _ bytes: RawSpan,
    _ scratch: inout PolicyScratch
  ) -> Verdict {
    let target: NameView
    switch find(name, primitive, row, scratch) {
    case .refused(let reason): return .block(Refusal(reason))
    case .found(let found): target = found
    }
    guard let profile = grant(target, name, principal) else {
      return .block(Refusal(RefusalReason.notAllowed(primitive)))
    }
    scratch.begin()
    let view = CallView(arguments: call.arguments, bytes: bytes)
    var decided: RuleID?
    var held: (rule: RuleID, isUndecided: Bool)?
    var masks = MaskRuleSet()
    for number in tables.rows[target.row].entries.range {
      let entry = tables.entries[number]
      if scratch.isRuledOut(by: entry.sieve, foldedName: target.foldedWord, tables, view, index) {
        continue
      }
      let rule = tables.rules[Int(entry.rule)]
      let effect = effect(of: rule, on: primitive)
      // After an allow only masks are left to add; after a hold, blocks too.
      if rule.mask == CompiledRule.noMask,
        decided != nil || (held != nil && effect != .block)
      {
        continue
      }
      guard concerns(rule, principal) else { continue }
      let shape = truth(of: entry, rule, target, name, scratch)
      if shape == .no { continue }
      var match = scratch.truth(ofAll: rule.conditions, tables, view, index)
      if match == .no { continue }
      if shape == .unknown { match = .unknown }
      if effect == .block && decided == nil {
        scratch.hits.add(Int(entry.rule))
        return .block(
          Refusal(
            match == .yes ? .rule : .ruleUndecided, rule: RuleID(index: entry.rule)))
      }
      let isOpen = decided == nil && held == nil
      let allows = isOpen && effect == .allow && match == .yes
      if allows { decided = RuleID(index: entry.rule) }
      let holds = isOpen && effect == .hold
      if holds { held = (RuleID(index: entry.rule), match != .yes) }
      if rule.mask != CompiledRule.noMask { masks.insert(Int(rule.mask)) }
      if allows || rule.mask != CompiledRule.noMask { scratch.hits.add(Int(entry.rule)) }
    }
    if let held {
      // Counted here: a rule further down could have blocked the call. One with masks has been counted for them.
      let index = held.rule.index
      if tables.rules[Int(index)].mask == CompiledRule.noMask { scratch.hits.add(Int(index)) }
      let call = PermittedCall(
        server: server, principal: principal.index, method: .toolsCall, rule: held.rule,
        profile: ProfileID(index: profile), masks: masks)
      return .hold(Hold(call: call, rule: held.rule, isUndecided: held.isUndecided))
    }
    return permit(principal, server, call.method, rule: decided, profile: profile, masks: masks)
  }

  // MARK: Outside calls

  /// The mask rules for what arrives outside any call, such as a message on a legacy session's stream: every one
  /// that could concern this principal on this server, whatever the tool and its arguments.
  public func masksOutsideCalls(
    principal: borrowing Principal, server: ServerID
  ) -> MaskRuleSet {
    var masks = MaskRuleSet()
    for number in row(server, .tool).maskEntries.range {
      let rule = tables.rules[Int(tables.entries[number].rule)]
      if concerns(rule, principal) { masks.insert(Int(rule.mask)) }
    }
    return masks
  }

  /// The mask rules for the answer of a method that names nothing: those about nothing in particular.
  private func masksOfServer(
    _ row: ServerRow, _ principal: borrowing Principal, _ scratch: inout PolicyScratch
  ) -> MaskRuleSet {
    var masks = MaskRuleSet()
    for number in row.maskEntries.range {
      let entry = tables.entries[number]
      let rule = tables.rules[Int(entry.rule)]
      guard rule.serverWide, concerns(rule, principal) else { continue }
      masks.insert(Int(rule.mask))
      scratch.hits.add(Int(entry.rule))
    }
    return masks
  }
}
