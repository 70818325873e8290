/// Which Sluice this is.
enum SluiceVersion {
  static let text = "0.1.0"
}
