//! What a run looked like: one offline HTML file, JSON and JUnit.
