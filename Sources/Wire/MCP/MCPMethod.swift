/// The methods of the protocol (mcp-wire §4). Whatever is not here is `unknown` and refused.
public enum MCPMethod: UInt8, BitwiseCopyable, Sendable, CaseIterable {
  // Requests of clients.
  case ping, initialize, serverDiscover, toolsList, toolsCall, promptsList, promptsGet,
    resourcesList, resourcesTemplatesList, resourcesRead, resourcesSubscribe,
    resourcesUnsubscribe, subscriptionsListen, completionComplete, loggingSetLevel, tasksGet,
    tasksResult, tasksList, tasksUpdate, tasksCancel
  // Notifications of clients; servers send the second and third too.
  case notificationsInitialized, notificationsCancelled, notificationsProgress,
    notificationsRootsListChanged
  // Requests of servers.
  case samplingCreateMessage, elicitationCreate, rootsList
  // Notifications of servers.
  case notificationsMessage, notificationsResourcesUpdated, notificationsResourcesListChanged,
    notificationsToolsListChanged, notificationsPromptsListChanged, notificationsTasksStatus,
    notificationsTasks, notificationsElicitationComplete, notificationsSubscriptionsAcknowledged
  /// Anything else.
  case unknown

  /// The method as it is written; empty for `unknown`.
  public var name: StaticString {
    switch self {
    case .ping: "ping"
    case .initialize: "initialize"
    case .serverDiscover: "server/discover"
    case .toolsList: "tools/list"
    case .toolsCall: "tools/call"
    case .promptsList: "prompts/list"
    case .promptsGet: "prompts/get"
    case .resourcesList: "resources/list"
    case .resourcesTemplatesList: "resources/templates/list"
    case .resourcesRead: "resources/read"
    case .resourcesSubscribe: "resources/subscribe"
    case .resourcesUnsubscribe: "resources/unsubscribe"
    case .subscriptionsListen: "subscriptions/listen"
    case .completionComplete: "completion/complete"
    case .loggingSetLevel: "logging/setLevel"
    case .tasksGet: "tasks/get"
    case .tasksResult: "tasks/result"
    case .tasksList: "tasks/list"
    case .tasksUpdate: "tasks/update"
    case .tasksCancel: "tasks/cancel"
    case .notificationsInitialized: "notifications/initialized"
    case .notificationsCancelled: "notifications/cancelled"
    case .notificationsProgress: "notifications/progress"
    case .notificationsRootsListChanged: "notifications/roots/list_changed"
    case .samplingCreateMessage: "sampling/createMessage"
    case .elicitationCreate: "elicitation/create"
    case .rootsList: "roots/list"
    case .notificationsMessage: "notifications/message"
    case .notificationsResourcesUpdated: "notifications/resources/updated"
    case .notificationsResourcesListChanged: "notifications/resources/list_changed"
    case .notificationsToolsListChanged: "notifications/tools/list_changed"
    case .notificationsPromptsListChanged: "notifications/prompts/list_changed"
    case .notificationsTasksStatus: "notifications/tasks/status"
    case .notificationsTasks: "notifications/tasks"
    case .notificationsElicitationComplete: "notifications/elicitation/complete"
    case .notificationsSubscriptionsAcknowledged: "notifications/subscriptions/acknowledged"
    case .unknown: ""
    }
  }

  /// The method that is written so, byte for byte and unescaped.
  public init(_ text: RawSpan) {
    func first(
      _ one: MCPMethod, _ two: MCPMethod = .unknown, _ three: MCPMethod = .unknown,
      _ four: MCPMethod = .unknown, _ five: MCPMethod = .unknown
    ) -> MCPMethod {
      if WireText.equals(text, one.name) { return one }
      if two != .unknown, WireText.equals(text, two.name) { return two }
      if three != .unknown, WireText.equals(text, three.name) { return three }
      if four != .unknown, WireText.equals(text, four.name) { return four }
      if five != .unknown, WireText.equals(text, five.name) { return five }
      return .unknown
    }
    // By length; the commonest of a length first.
    switch text.byteCount {
    case 4: self = first(.ping)
    case 9: self = first(.tasksGet)
    case 10: self = first(.toolsCall, .initialize, .toolsList, .tasksList, .rootsList)
    case 11: self = first(.promptsGet)
    case 12: self = first(.promptsList, .tasksResult, .tasksUpdate, .tasksCancel)
    case 14: self = first(.resourcesList, .resourcesRead)
    case 15: self = first(.serverDiscover)
    case 16: self = first(.loggingSetLevel)
    case 18: self = first(.elicitationCreate)
    case 19: self = first(.resourcesSubscribe, .completionComplete, .notificationsTasks)
    case 20: self = first(.subscriptionsListen)
    case 21: self = first(.resourcesUnsubscribe, .notificationsMessage)
    case 22: self = first(.notificationsProgress, .samplingCreateMessage)
    case 23: self = first(.notificationsCancelled)
    case 24: self = first(.resourcesTemplatesList)
    case 25: self = first(.notificationsInitialized)
    case 26: self = first(.notificationsTasksStatus)
    case 31: self = first(.notificationsResourcesUpdated)
    case 32: self = first(.notificationsRootsListChanged, .notificationsToolsListChanged)
    case 34: self = first(.notificationsPromptsListChanged, .notificationsElicitationComplete)
    case 36: self = first(.notificationsResourcesListChanged)
    case 40: self = first(.notificationsSubscriptionsAcknowledged)
    default: self = .unknown
    }
  }
}
