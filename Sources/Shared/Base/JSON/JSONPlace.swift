/// Where an array or an object stands: a member of the object, or an element of the array, that is around it.
///
/// A link to the place around, not a text: long names would be copied into every place below them.
final class JSONPlace: Sendable {
    private let around: JSONPlace?
    private let step: Step

    /// The way from one value to one inside it.
    enum Step: Sendable {
        case member(String)
        case element(Int)
    }

    init(_ step: Step, in around: JSONPlace?) {
        self.around = around
        self.step = step
    }

    /// The names from the outermost value on, with a full stop behind each.
    var path: String {
        var steps: [String] = []
        var place: JSONPlace? = self
        while let current = place {
            switch current.step {
            case .member(let name): steps.append("\(name).")
            case .element(let index): steps.append("\(index).")
            }
            place = current.around
        }
        return steps.reversed().joined()
    }
}
