"""`isaaclab_newton.physics`."""

from isaaclab.strict import cfg_class

MJWarpSolverCfg = cfg_class(
    "MJWarpSolverCfg",
    __name__,
    "njmax nconmax iterations ls_iterations solver integrator cone impratio disable_contacts disable_sensors tolerance",
)
NewtonCfg = cfg_class("NewtonCfg", __name__, "solver_cfg num_substeps debug_mode use_cuda_graph")
