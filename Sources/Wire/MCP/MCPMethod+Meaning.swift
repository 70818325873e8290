/// Where the identity that `Mcp-Name` repeats stands in a request's params (mcp-wire §3.4).
public enum MCPNameSource: UInt8, BitwiseCopyable, Sendable {
  case none, name, uri, taskID
}

extension MCPMethod {
  /// Whether the method is a notification: it has no id and gets no answer.
  public var isNotification: Bool {
    switch self {
    case .notificationsInitialized, .notificationsCancelled, .notificationsProgress,
      .notificationsRootsListChanged, .notificationsMessage, .notificationsResourcesUpdated,
      .notificationsResourcesListChanged, .notificationsToolsListChanged,
      .notificationsPromptsListChanged, .notificationsTasksStatus, .notificationsTasks,
      .notificationsElicitationComplete, .notificationsSubscriptionsAcknowledged:
      true
    default: false
    }
  }

  /// Whether a client may send this as a request in the era.
  public func isClientRequest(in era: Era) -> Bool {
    switch era {
    case .legacy: isLegacyClientRequest
    case .modern: isModernClientRequest
    }
  }

  private var isLegacyClientRequest: Bool {
    switch self {
    case .ping, .initialize, .toolsList, .toolsCall, .promptsList, .promptsGet, .resourcesList,
      .resourcesTemplatesList, .resourcesRead, .resourcesSubscribe, .resourcesUnsubscribe,
      .completionComplete, .loggingSetLevel, .tasksGet, .tasksResult, .tasksList, .tasksCancel:
      true
    default: false
    }
  }

  private var isModernClientRequest: Bool {
    switch self {
    case .serverDiscover, .toolsList, .toolsCall, .promptsList, .promptsGet, .resourcesList,
      .resourcesTemplatesList, .resourcesRead, .subscriptionsListen, .completionComplete,
      .tasksGet, .tasksUpdate, .tasksCancel:
      true
    default: false
    }
  }

  /// Whether a server may send this as a notification. What takes back a request is not among them: it needs the request.
  public var isServerNotification: Bool {
    switch self {
    case .notificationsProgress, .notificationsMessage, .notificationsResourcesUpdated,
      .notificationsResourcesListChanged, .notificationsToolsListChanged,
      .notificationsPromptsListChanged, .notificationsTasksStatus, .notificationsTasks,
      .notificationsElicitationComplete, .notificationsSubscriptionsAcknowledged:
      true
    default: false
    }
  }

  /// Whether a server may get the request twice without anybody noticing: it only asks. Reading a resource is not among
  /// them, because what is behind a URI is the server's affair; `initialize` is, because a session of which nobody
  /// learnt the id is one that nobody uses.
  public var isRepeatable: Bool {
    switch self {
    case .initialize, .ping, .serverDiscover, .toolsList, .promptsList, .resourcesList,
      .resourcesTemplatesList:
      true
    default: false
    }
  }

  /// What names the thing that the request is about.
  public var nameSource: MCPNameSource {
    switch self {
    case .toolsCall, .promptsGet: .name
    case .resourcesRead: .uri
    case .tasksGet, .tasksUpdate, .tasksCancel: .taskID
    default: .none
    }
  }
}
