internal import Dispatch
internal import Primitives
internal import Synchronization

/// A question to the kernel that may wait for ever for a mount that does not answer.
enum PatientCall {
    /// Seconds that an answer may take.
    private static let patience: Double = 3

    private final class Question<Answer: Sendable>: Sendable {
        let answer = Mutex<Answer?>(nil)
        let isAnswered = DispatchSemaphore(value: 0)
    }

    /// What `body` returns; nil where it takes too long.
    ///
    /// On a thread of its own, which stays behind where no answer comes: nothing else can leave such a system call.
    static func answer<Answer: Sendable>(of body: @escaping @Sendable () -> Answer) -> Answer? {
        let question = Question<Answer>()
        let thread = try? JoinableThread {
            let answer = body()
            question.answer.withLock { $0 = answer }
            question.isAnswered.signal()
        }
        guard let thread else { return nil }
        guard question.isAnswered.wait(timeout: .now() + patience) == .success else {
            thread.detach()
            return nil
        }
        thread.join()
        return question.answer.withLock { $0 }
    }
}
