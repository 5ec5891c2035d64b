"""How long records are kept: rules of the office, holds, destructions that the head approves, archive numbers."""
