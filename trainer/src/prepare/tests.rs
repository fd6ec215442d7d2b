//! Small corpora, prepared and opened again.
