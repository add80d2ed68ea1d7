//! What a test does at the machine's console: it waits for a text, types something, waits for the next one.

use super::job::FATAL;

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A line with this text must come, after what the step before waited for.
    See(&'static str),
    /// This is typed.
    Type(&'static str),
}

impl Step {
    fn seen(&self) -> Option<&'static str> {
        match *self {
            Step::See(text) => Some(text),
            Step::Type(_) => None,
        }
    }
}

/// Steps, and how far they are done.
pub struct Script {
    steps: &'static [Step],
}

impl Script {
    /// At its beginning.
    pub fn new(steps: &'static [Step]) -> Self {
        Self { steps }
    }

    /// Takes a line of the console; what is to be typed now.
    pub fn line(&mut self, line: &str) -> String {
        let mut typed = String::new();
        if let [Step::See(text), rest @ ..] = self.steps
            && line.contains(text)
        {
            self.steps = rest;
            while let [Step::Type(text), rest @ ..] = self.steps {
                typed.push_str(text);
                self.steps = rest;
            }
        }
        typed
    }

    /// Whether it waits for a crash of Dom0 or of the hypervisor.
    pub fn sees_a_crash(&self) -> bool {
        let mut texts = self.steps.iter().filter_map(Step::seen);
        texts.any(|text| FATAL.iter().any(|fatal| text.contains(fatal)))
    }

    /// The text that has not been seen yet; none when all is done.
    pub fn missing(&self) -> Option<&'static str> {
        self.steps.iter().find_map(Step::seen)
    }
}

#[cfg(test)]
mod tests {
    use super::{Script, Step};

    #[test]
    fn steps_are_done_in_order() {
        let mut script = Script::new(&[Step::See("a"), Step::Type("1"), Step::Type("2"), Step::See("b")]);
        assert_eq!(script.line("b"), "");
        assert_eq!(script.line("an a"), "12");
        assert_eq!(script.missing(), Some("b"));
        assert_eq!(script.line("b"), "");
        assert_eq!(script.missing(), None);
    }
}
