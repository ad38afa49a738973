"""The pages for people that are no app's: landing, documentation, links of mails."""
