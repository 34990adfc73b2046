"""What people do. Each use case takes session, actor and now, composes freely and never commits."""
